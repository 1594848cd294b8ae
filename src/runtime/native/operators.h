// Operators of libtorch that its Rust bindings do not reach.
#pragma once

#include "message.h"

#include <cstddef>
#include <cstdint>

namespace at {
class Tensor;
}

extern "C" {

// Tensors that a function returns belong to the caller.

// max(x, slope x), in place; autograd follows.
int32_t coopseg_native_leaky_relu(at::Tensor* x, double slope, coopseg_native_message* message);

// A convolution as oneDNN computes it: 2-D, one group, no dilation.
struct coopseg_native_convolution {
    int64_t stride;
    int64_t padding;
    // Applied to the result: 0 nothing, 1 max(x, 0), 2 max(x, slope x).
    int32_t activation;
    double slope;
};

// Whether oneDNN can compute convolutions of this type on this processor.
int32_t coopseg_native_has_onednn(int32_t bfloat16);

// The weight in the memory layout that oneDNN likes best for inputs of `input_size` (N, C, H, W).
int32_t coopseg_native_pack_weight(
    const at::Tensor* weight, int32_t transposed, const coopseg_native_convolution* how, const int64_t* input_size,
    at::Tensor** out_packed, coopseg_native_message* message);

// activation(convolution(x)); x and the result have the channel fastest in memory.
int32_t coopseg_native_convolve(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, int32_t transposed,
    const coopseg_native_convolution* how, at::Tensor** out_result, coopseg_native_message* message);

// sum += convolution(x); the activation is not applied.
int32_t coopseg_native_convolve_onto(
    at::Tensor* sum, const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias,
    const coopseg_native_convolution* how, coopseg_native_message* message);

struct coopseg_native_adam {
    double learning_rate;
    double beta1;
    double beta2;
    double epsilon;
    double weight_decay;
    // Decay of the weights apart from the gradient (AdamW).
    int32_t decoupled;
};

// One update of `count` weights in one kernel. `update` is a float scalar on their device: which update this is, from 1.
int32_t coopseg_native_adam_update(
    at::Tensor* const* weights, at::Tensor* const* gradients, at::Tensor* const* means, at::Tensor* const* variances,
    size_t count, const at::Tensor* update, const coopseg_native_adam* how, coopseg_native_message* message);

// Sets `count` tensors of one device to zero, in as few kernels as they fit.
int32_t coopseg_native_zero(at::Tensor* const* tensors, size_t count, coopseg_native_message* message);

}  // extern "C"
