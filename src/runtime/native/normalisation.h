// Batch normalisation of trainings, with what follows it.
#pragma once

#include "message.h"

#include <cstdint>

namespace at {
class Tensor;
}

extern "C" {

struct coopseg_native_normalisation {
    // How far the running statistics move towards the batch's.
    double momentum;
    // Added to the variance.
    double epsilon;
    // What negative values of the result are multiplied by: 1 leaves them, 0 makes a rectifier.
    double slope;
};

// Whether coopseg_native_normalise can take this tensor: float32 or bfloat16 on the CPU, with the channel fastest in memory.
int32_t coopseg_native_normalises(const at::Tensor* x);

// rectified(weight (x - mean) / sqrt(variance + epsilon) + bias + summand) with the batch's own mean and variance, as
// autograd follows it. `summand`, and the two running statistics, which move, may be null. Nothing depends on the number of
// threads. The result belongs to the caller.
int32_t coopseg_native_normalise(
    const at::Tensor* x, const at::Tensor* summand, const at::Tensor* weight, const at::Tensor* bias,
    at::Tensor* running_mean, at::Tensor* running_var, const coopseg_native_normalisation* how, at::Tensor** out_result,
    coopseg_native_message* message);

}  // extern "C"
