// What winograd_kernels.cpp computes, and for whom.
#pragma once

#include <cstdint>

namespace coopseg_native::winograd {

enum class Form {
    // A 3x3 convolution with stride and padding 1: a tile is 2x2 pixels of the result.
    usual,
    // The same of an image with every pixel doubled: a tile is a pixel of that image, which gives 2x2 of the result.
    doubled,
    // What the doubled one's gradient is with respect to its input: a tile is a pixel of the result, from 2x2 of the input.
    halved,
};

// At which a tile's channels are multiplied.
constexpr int64_t points_of(Form form) {
    return form == Form::usual ? 16 : 9;
}

// One convolution, or the gradient of one's weight. Images have the channel fastest in memory.
struct Job {
    Form form;
    const float* x;
    int64_t height, width;
    int64_t inputs, outputs;
    int64_t result_height, result_width;
    int64_t tiles_across, tiles_down;
    // Of a block: what passes all steps together.
    int64_t tiles;

    // Of convolutions. `weight` is packed; `doubled_sum` may be null. Halved ones have neither bias, sum nor activation.
    const float* weight;
    const float* bias;
    const float* doubled_sum;
    float* y;
    // Whether y is added to.
    bool onto;
    // As in coopseg_native_winograd.
    int32_t activation;
    float slope;

    // Of gradients of weights: that of the result.
    const float* gradient;
};

// Of a block, at most: more would not stay in the cache.
constexpr int64_t most_tiles = 56;

// Floats from one point to the next, for the tiles and for the products or gradients: a cache line more than there are, lest
// all points fall into the same few sets of the cache.
constexpr int64_t spare = 16;

constexpr int64_t tiles_step(const Job& job) {
    return job.tiles * job.inputs + spare;
}

constexpr int64_t products_step(const Job& job) {
    return job.tiles * job.outputs + spare;
}

// Floats of a block's workplace.
constexpr int64_t room_of(const Job& job) {
    return points_of(job.form) * (tiles_step(job) + products_step(job));
}

// An instruction set's code. Both functions take `count` tiles from `first`, at most a block; at a multiple of a vector's
// size the workplace makes them twice as fast.
struct Kernels {
    int64_t lanes;
    // Tiles that one product has at once.
    int64_t (*product_height)(int64_t outputs);
    // Outputs that one product has at once.
    int64_t (*product_width)(int64_t outputs);
    void (*convolve_tiles)(const Job& job, int64_t first, int64_t count, float* workplace);
    // Adds to `sums`, points x inputs x outputs, what the tiles give to the weight at each point.
    void (*add_tiles)(const Job& job, int64_t first, int64_t count, float* workplace, float* sums);
};

// What computes this processor's convolutions of these channels; null where nothing does.
const Kernels* kernels_for(int64_t inputs, int64_t outputs);

// Whether those are faster than oneDNN's.
bool kernels_pay(int64_t inputs, int64_t outputs);

}  // namespace coopseg_native::winograd
