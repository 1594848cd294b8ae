// Convolutions that are trained.
#pragma once

#include "message.h"

#include <cstdint>

namespace at {
class Tensor;
}

extern "C" {

// A square kernel: one group, no dilation. A transposed one has its weight as inputs x outputs x size x size.
struct coopseg_native_kernel {
    int64_t stride;
    int64_t padding;
    int32_t transposed;
};

// The convolution of x, as autograd follows it; `bias` may be null. It is computed by winograd.h, or the gradient of the weight
// by weight_gradient.h, where that is faster, and the gradient of a transposed convolution's bias by a sum. The result belongs
// to the caller.
int32_t coopseg_native_trained_convolution(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, const coopseg_native_kernel* how,
    at::Tensor** out_result, coopseg_native_message* message);

// Whether winograd.h fits these, and is faster.
int32_t coopseg_native_winograd_trains(const at::Tensor* x, const at::Tensor* weight);

// The convolution of x with stride and padding 1 by winograd.h, faster or not, as autograd follows it; with `doubles` every
// pixel of x counts twice in each direction. The weight is outputs x inputs x 3 x 3, and `bias` may be null. The result belongs
// to the caller.
int32_t coopseg_native_trained_winograd(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, int32_t doubles, at::Tensor** out_result,
    coopseg_native_message* message);

// Whether this processor can compute gradients of weights by weight_gradient.h, faster or not.
int32_t coopseg_native_has_weight_gradient();

// The gradient of a weight of size x size by weight_gradient.h alone, for the input `x` and the result's `gradient`.
int32_t coopseg_native_weight_gradient(
    const at::Tensor* x, const at::Tensor* gradient, int64_t size, const coopseg_native_kernel* how,
    at::Tensor** out_gradient, coopseg_native_message* message);

}  // extern "C"
