// 3x3 convolutions with fewer multiplications: Winograd's F(2x2, 3x3) (Lavin and Gray 2016,
// https://arxiv.org/abs/1509.09308), and the like for images with every pixel doubled. For processors with AVX2 or AVX-512.
//
// Images have the channel fastest in memory. Every value of a convolution is computed in the same way whatever the number of
// threads. What is not finite spoils the tiles that read it: up to a pixel more in each direction than the kernel.
#pragma once

#include "message.h"

#include <cstdint>
#include <optional>

namespace at {
class Tensor;
}

namespace coopseg_native {

// For training: convolutions with stride and padding 1 of `x` (N x inputs x H x W) with a weight outputs x inputs x 3 x 3,
// all in float32. With `doubles` every pixel of `x` counts twice in each direction, so that the result is twice as large.

// Whether these fit, and that is faster than oneDNN.
bool winograd_trains(const at::Tensor& x, const at::Tensor& weight);

at::Tensor winograd_convolution(
    const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool doubles);

// The gradient with respect to `x` for the result's `gradient`.
at::Tensor winograd_input_gradient(const at::Tensor& gradient, const at::Tensor& weight, bool doubles);

// The gradient with respect to the weight. Repeats bit for bit for the same number of libtorch's threads.
at::Tensor winograd_weight_gradient(const at::Tensor& x, const at::Tensor& gradient, bool doubles);

}  // namespace coopseg_native

extern "C" {

// For inference.

// Whether a weight (outputs x inputs x 3 x 3) fits, and is faster than oneDNN: float32 or float64 on the host, and numbers of
// channels that fill the processor's registers.
int32_t coopseg_native_winograd_pays(const at::Tensor* weight);

// The weight of a convolution with stride and padding 1, as coopseg_native_winograd_convolve takes it: with four ninths of
// the multiplications, or, if every pixel of an input is to count twice in each direction (`doubles`), so that the result
// is twice as large, with a quarter. Channels may fill half of AVX-512's registers too. It belongs to the caller.
int32_t coopseg_native_winograd_weight(
    const at::Tensor* weight, int32_t doubles, at::Tensor** out_packed, coopseg_native_message* message);

struct coopseg_native_winograd {
    int64_t outputs;
    // As the weight was packed.
    int32_t doubles;
    // Applied to the result: 0 nothing, 1 max(x, 0), 2 max(x, slope x) with a slope of at most 1.
    int32_t activation;
    double slope;
};

// activation(sum + convolution of x, N x inputs x H x W), with the channel fastest in memory; no gradients. `sum` may be null;
// else it has the result's shape and layout, and takes the result. `doubled_sum` may be null; else it is half as large, and
// every pixel of it counts for four; it is only read. The result belongs to the caller.
int32_t coopseg_native_winograd_convolve(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, at::Tensor* sum, const at::Tensor* doubled_sum,
    const coopseg_native_winograd* how, at::Tensor** out_result, coopseg_native_message* message);

}  // extern "C"
