// The gradient of a convolution's weight, for processors on which oneDNN is slow at it.
#pragma once

#include <cstdint>

namespace at {
class Tensor;
}

namespace coopseg_native {

// A 2-D convolution with a square kernel: one group, no dilation.
struct Kernel {
    int64_t size;
    int64_t stride;
    int64_t padding;
};

// Whether this processor can compute it here.
bool weight_gradient_runs();

// Whether that is faster than oneDNN for a `wide` of so many channels.
bool weight_gradient_pays(int64_t wide_channels);

// Whether these tensors fit: float32 on the host, the channel fastest in memory, channels of `fine` in eights.
bool weight_gradient_fits(const at::Tensor& fine, const at::Tensor& wide);

// gradient[a][c][i][j] = sum over n, y, x of fine[n][a][y][x] * wide[n][c][stride y + i - padding][stride x + j - padding],
// where `wide` is zero outside. For a convolution `fine` is the gradient of its result and `wide` its input; for a
// transposed one `fine` is its input and `wide` the gradient of its result. Repeats bit for bit for the same number of
// libtorch's threads.
at::Tensor weight_gradient(const at::Tensor& fine, const at::Tensor& wide, const Kernel& kernel);

}  // namespace coopseg_native
