#include "winograd_weight.h"

#include "in_parallel.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace coopseg_native::winograd {

namespace {

// Weights that pass the sums together: in the innermost loops, which the compiler makes vectors of. As many as the channels
// that every kernel has in one vector, at least.
constexpr int64_t together = 8;

using Numbers = double[together];

// G g for three numbers: what they are at the points of one direction. The strides are those from one to the next.
void to_points(const Numbers* g, int64_t g_stride, bool usual, Numbers* u, int64_t u_stride) {
    for (int64_t k = 0; k < together; ++k) {
        const double first = g[0][k];
        const double middle = g[g_stride][k];
        const double last = g[2 * g_stride][k];
        u[0][k] = first;
        if (usual) {
            u[u_stride][k] = 0.5 * (first + middle + last);
            u[2 * u_stride][k] = 0.5 * (first - middle + last);
            u[3 * u_stride][k] = last;
        } else {
            u[u_stride][k] = first + middle + last;
            u[2 * u_stride][k] = last;
        }
    }
}

// G^T u, the way back for gradients.
void from_points(const Numbers* u, int64_t u_stride, bool usual, Numbers* g, int64_t g_stride) {
    for (int64_t k = 0; k < together; ++k) {
        const double second = u[u_stride][k];
        const double third = u[2 * u_stride][k];
        if (usual) {
            g[0][k] = u[0][k] + 0.5 * (second + third);
            g[g_stride][k] = 0.5 * (second - third);
            g[2 * g_stride][k] = 0.5 * (second + third) + u[3 * u_stride][k];
        } else {
            g[0][k] = u[0][k] + second;
            g[g_stride][k] = second;
            g[2 * g_stride][k] = second + third;
        }
    }
}

constexpr int64_t side_of(Form form) {
    return form == Form::usual ? 4 : 3;
}

// How a weight is packed: points x groups of outputs x inputs x outputs of a group.
struct Packing {
    Form form;
    bool backwards;
    int64_t inputs, outputs;
    int64_t group;
};

template <typename Number>
void pack(const Packing& packing, const Number* from, float* to) {
    const bool usual = packing.form == Form::usual;
    const bool turned = packing.backwards && usual;
    const int64_t side = side_of(packing.form);
    const int64_t inputs = packing.inputs;
    const int64_t outputs = packing.outputs;
    // From one output and input of the packed weight to the next.
    const int64_t output_step = 9 * (packing.backwards ? 1 : inputs);
    const int64_t input_step = 9 * (packing.backwards ? outputs : 1);
    const int64_t pieces = outputs / together * inputs;
    const int64_t parts = std::min<int64_t>(at::get_num_threads(), pieces);
    in_parallel(parts, [&](int64_t part) {
        for (int64_t piece = pieces * part / parts; piece < pieces * (part + 1) / parts; ++piece) {
            const int64_t output = piece / inputs * together;
            const int64_t input = piece % inputs;
            const Number* const first = from + output * output_step + input * input_step;
            Numbers taps[9];
            for (int64_t tap = 0; tap < 9; ++tap) {
                const Number* const g = first + (turned ? 8 - tap : tap);
                for (int64_t k = 0; k < together; ++k) {
                    taps[tap][k] = static_cast<double>(g[k * output_step]);
                }
            }
            Numbers rows[3 * 4], points[4 * 4];
            for (int64_t i = 0; i < 3; ++i) {
                to_points(taps + 3 * i, 1, usual, rows + side * i, 1);
            }
            for (int64_t j = 0; j < side; ++j) {
                to_points(rows + j, side, usual, points + j, side);
            }
            float* const place =
                to + (output / packing.group * inputs + input) * packing.group + output % packing.group;
            for (int64_t point = 0; point < side * side; ++point) {
                for (int64_t k = 0; k < together; ++k) {
                    place[point * outputs * inputs + k] = static_cast<float>(points[point][k]);
                }
            }
        }
    });
}

}  // namespace

at::Tensor packed_weight(const at::Tensor& weight, Form form, bool backwards) {
    const at::Tensor whole = weight.contiguous();
    const int64_t outputs = weight.size(backwards ? 1 : 0);
    const int64_t inputs = weight.size(backwards ? 0 : 1);
    at::Tensor packed = at::empty({points_of(form) * outputs * inputs}, at::kFloat);
    const Packing packing{form, backwards, inputs, outputs, kernels_for(inputs, outputs)->product_width(outputs)};
    if (whole.scalar_type() == at::kDouble) {
        pack(packing, whole.const_data_ptr<double>(), packed.mutable_data_ptr<float>());
    } else {
        pack(packing, whole.const_data_ptr<float>(), packed.mutable_data_ptr<float>());
    }
    return packed;
}

at::Tensor unpacked_gradient(const Sums& sums, Form form, int64_t inputs, int64_t outputs) {
    const bool usual = form == Form::usual;
    const int64_t side = side_of(form);
    const int64_t size = inputs * outputs;
    at::Tensor taps_first = at::empty({9, inputs, outputs}, at::kFloat);
    float* const to = taps_first.mutable_data_ptr<float>();
    const int64_t pieces = size / together;
    const int64_t parts = std::min<int64_t>(at::get_num_threads(), pieces);
    in_parallel(parts, [&](int64_t range) {
        for (int64_t piece = pieces * range / parts; piece < pieces * (range + 1) / parts; ++piece) {
            const int64_t first = piece * together;
            Numbers points[4 * 4] = {};
            for (int64_t sum = 0; sum < sums.count; ++sum) {
                for (int64_t point = 0; point < side * side; ++point) {
                    const float* const from = sums.start + sum * sums.step + point * size + first;
                    for (int64_t k = 0; k < together; ++k) {
                        points[point][k] += static_cast<double>(from[k]);
                    }
                }
            }
            Numbers rows[4 * 3], taps[9];
            for (int64_t i = 0; i < side; ++i) {
                from_points(points + side * i, 1, usual, rows + 3 * i, 1);
            }
            for (int64_t j = 0; j < 3; ++j) {
                from_points(rows + j, 3, usual, taps + j, 3);
            }
            for (int64_t tap = 0; tap < 9; ++tap) {
                for (int64_t k = 0; k < together; ++k) {
                    to[tap * size + first + k] = static_cast<float>(taps[tap][k]);
                }
            }
        }
    });
    return taps_first.view({3, 3, inputs, outputs}).permute({3, 2, 0, 1}).contiguous();
}

}  // namespace coopseg_native::winograd
