// Weights at the points of Winograd's convolutions, and back.
#pragma once

#include "winograd_job.h"

namespace at {
class Tensor;
}

namespace coopseg_native::winograd {

// A weight outputs x inputs x 3 x 3 (float32 or float64) as Job::weight has it: rounded once. With `backwards` that of the
// convolution that makes gradients of inputs from those of results: with outputs and inputs exchanged, turned by 180 degrees
// or, for a doubled one, in the halved form.
at::Tensor packed_weight(const at::Tensor& weight, Form form, bool backwards);

// Several sums, points x inputs x outputs each, `step` floats from one to the next.
struct Sums {
    const float* start;
    int64_t count;
    int64_t step;
};

// The gradient of a weight, outputs x inputs x 3 x 3, from what its points got.
at::Tensor unpacked_gradient(const Sums& sums, Form form, int64_t inputs, int64_t outputs);

}  // namespace coopseg_native::winograd
