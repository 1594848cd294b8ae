// Own kernels on libtorch's threads.
#pragma once

#include <ATen/TensorIterator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

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

// A number of floats that starts the next part on a cache line of its own.
inline int64_t whole_lines(int64_t floats) {
    return (floats + 15) / 16 * 16;
}

}  // namespace coopseg_native
