// Own kernels on libtorch's threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace coopseg_native {

// Runs `body(part)` for each part from 0, on libtorch's threads. (at::parallel_for of the headers would need this library
// to be compiled with OpenMP and to link a second one.)
template <typename Body>
void in_parallel(int64_t parts, const Body& body) {
    if (parts == 1) {
        body(int64_t{0});
        return;
    }
    at::Tensor numbers = at::arange(parts, at::kLong);
    at::TensorIterator iterator =
        at::TensorIteratorConfig().add_output(numbers).resize_outputs(false).check_all_same_dtype(false).build();
    iterator.for_each(
        [&body](char** data, const int64_t* strides, int64_t columns, int64_t rows) {
            for (int64_t row = 0; row < rows; ++row) {
                for (int64_t column = 0; column < columns; ++column) {
                    body(*reinterpret_cast<const int64_t*>(data[0] + column * strides[0] + row * strides[1]));
                }
            }
        },
        1);
}

// Pieces of work for each thread, where they cost little: so many that none waits long for the last one.
constexpr int64_t pieces_per_thread = 8;

// Threads that take `pieces` in turn.
inline int64_t workplaces_for(int64_t pieces) {
    return std::min<int64_t>(at::get_num_threads(), pieces);
}

// Runs `body(piece, workplace)` for each piece from 0, on libtorch's threads. A thread takes a piece whenever it has done
// one, so that one that is slower, or held up by other programs, takes fewer. A workplace, numbered from 0 to
// workplaces_for(pieces) - 1, is one thread's alone.
template <typename Body>
void in_turn(int64_t pieces, const Body& body) {
    std::atomic<int64_t> next{0};
    in_parallel(workplaces_for(pieces), [&](int64_t workplace) {
        for (int64_t piece = next++; piece < pieces; piece = next++) {
            body(piece, workplace);
        }
    });
}

// A number of floats that starts the next part on a cache line of its own.
inline int64_t whole_lines(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

}  // namespace coopseg_native
