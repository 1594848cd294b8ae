// Tiles of 2x2 pixels of the result need 4x4 pixels of the input. At each of 16 points (sums and differences of those) the
// tiles' channels are multiplied with the weight's, a product of matrices, instead of at 9 places for each of 4 pixels. A
// block of tiles passes all steps while it is in the cache.
//
// Of an input with every pixel doubled such a tile needs 3x3 pixels, a, b, c in a row of them. The result there is
// w0 a + (w1 + w2) b and (w0 + w1) b + w2 c, which is w0 (a - b) + (w0 + w1 + w2) b and the like: 3 points in each direction.

#include "winograd.h"

#include "in_parallel.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using coopseg_native::guarded;
using coopseg_native::in_parallel;
using coopseg_native::whole_lines;

namespace {

#if defined(__x86_64__)

// Of a block, at most: more would not stay in the cache.
constexpr int64_t most_tiles = 56;

// At which a tile's channels are multiplied.
constexpr int64_t points_of(bool doubles) {
    return doubles ? 9 : 16;
}

// One convolution.
struct Job {
    const float* x;
    const float* weight;
    const float* bias;
    const float* doubled_sum;
    float* y;
    int64_t height, width;
    int64_t result_height, result_width;
    int64_t inputs, outputs;
    int64_t tiles_across, tiles_down;
    // Of a block.
    int64_t tiles;
    int64_t points;
    bool doubles;
    // Whether y is added to.
    bool onto;
    // As in coopseg_native_winograd.
    int32_t activation;
    float slope;
};

// Tiles beside each other, of those from `first`: at most `most`, as many as their row has.
struct Stretch {
    int64_t image;
    int64_t row, column;
    int64_t length;

    Stretch(const Job& job, int64_t first, int64_t most) {
        const int64_t rows = first / job.tiles_across;
        image = rows / job.tiles_down;
        row = rows % job.tiles_down;
        column = first % job.tiles_across;
        length = most < job.tiles_across - column ? most : job.tiles_across - column;
    }
};

// Floats from one point to the next, for the tiles and for the products: a cache line more than there are, lest all
// points fall into the same few sets of the cache.
constexpr int64_t spare = 16;

inline int64_t tiles_step(const Job& job) {
    return job.tiles * job.inputs + spare;
}

inline int64_t products_step(const Job& job) {
    return job.tiles * job.outputs + spare;
}

int64_t job_room(const Job& job) {
    return job.points * (tiles_step(job) + products_step(job));
}

namespace avx512 {

#define TARGET __attribute__((target("avx512f")))

using Vector = __m512;
constexpr int64_t lanes = 16;
constexpr int accumulators = 28;

TARGET inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
TARGET inline void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }
TARGET inline Vector zero() { return _mm512_setzero_ps(); }
TARGET inline Vector broadcast(const float* from) { return _mm512_set1_ps(*from); }
TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

#include "winograd_kernels.inc"

#undef TARGET

}  // namespace avx512

namespace avx2 {

#define TARGET __attribute__((target("avx2,fma")))

using Vector = __m256;
constexpr int64_t lanes = 8;
constexpr int accumulators = 12;

TARGET inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
TARGET inline void store(float* to, Vector value) { _mm256_storeu_ps(to, value); }
TARGET inline Vector zero() { return _mm256_setzero_ps(); }
TARGET inline Vector broadcast(const float* from) { return _mm256_broadcast_ss(from); }
TARGET inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

#include "winograd_kernels.inc"

#undef TARGET

}  // namespace avx2

// An instruction set's code.
struct Kernels {
    int64_t lanes;
    int64_t accumulators;
    int64_t (*vectors_at_once)(int64_t outputs);
    void (*convolve_tiles)(const Job&, int64_t first, int64_t count, float* workplace);
};

// What computes this processor's convolutions of these channels; null where nothing does.
const Kernels* kernels_for(int64_t inputs, int64_t outputs) {
    static const Kernels wide{avx512::lanes, avx512::accumulators, avx512::vectors_at_once, avx512::convolve_tiles};
    static const Kernels narrow{avx2::lanes, avx2::accumulators, avx2::vectors_at_once, avx2::convolve_tiles};
    const auto filled = [&](const Kernels& kernels) {
        return inputs > 0 && outputs > 0 && inputs % kernels.lanes == 0 && outputs % kernels.lanes == 0;
    };
    if (__builtin_cpu_supports("avx512f") && filled(wide)) {
        return &wide;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && filled(narrow) ? &narrow : nullptr;
}

// G g for three numbers: what they are at the points of one direction.
void to_points(const double* g, bool doubles, double* u) {
    if (doubles) {
        u[0] = g[0];
        u[1] = g[0] + g[1] + g[2];
        u[2] = g[2];
    } else {
        u[0] = g[0];
        u[1] = 0.5 * (g[0] + g[1] + g[2]);
        u[2] = 0.5 * (g[0] - g[1] + g[2]);
        u[3] = g[2];
    }
}

// G g G^T for the nine numbers of one output and input, rounded once: one float in `step`.
void write_points(const double* g, bool doubles, float* to, int64_t step) {
    const int64_t side = doubles ? 3 : 4;
    double rows[3][4];
    for (int64_t i = 0; i < 3; ++i) {
        to_points(g + 3 * i, doubles, rows[i]);
    }
    for (int64_t j = 0; j < side; ++j) {
        const double column[3] = {rows[0][j], rows[1][j], rows[2][j]};
        double points[4];
        to_points(column, doubles, points);
        for (int64_t i = 0; i < side; ++i) {
            to[(side * i + j) * step] = static_cast<float>(points[i]);
        }
    }
}

bool is_image(const at::Tensor& x) {
    return x.dim() == 4 && x.numel() > 0 && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
           x.layout() == at::kStrided;
}

// Of a sum, which is read or written where it lies.
void check_sum(const at::Tensor& sum, at::IntArrayRef size) {
    TORCH_CHECK(
        is_image(sum) && sum.sizes() == size && sum.is_contiguous(at::MemoryFormat::ChannelsLast),
        "Winograd's convolution needs a sum of ", size, " with the channel fastest in memory");
}

bool fits(const at::Tensor& weight) {
    const at::ScalarType type = weight.scalar_type();
    return weight.dim() == 4 && weight.numel() > 0 && weight.device().is_cpu() && weight.layout() == at::kStrided &&
           (type == at::kFloat || type == at::kDouble) && weight.size(2) == 3 && weight.size(3) == 3 &&
           kernels_for(weight.size(1), weight.size(0)) != nullptr;
}

bool pays(const at::Tensor& weight) {
    // oneDNN fills half a register of AVX-512 with fewer channels, and is faster than AVX2.
    return fits(weight) && (!__builtin_cpu_supports("avx512f") ||
                            kernels_for(weight.size(1), weight.size(0))->lanes == avx512::lanes);
}

at::Tensor packed_weight(const at::Tensor& weight, bool doubles) {
    TORCH_CHECK(fits(weight), "Winograd's convolution does not fit a weight of ", weight.sizes());
    const at::Tensor exact = weight.to(at::kDouble).contiguous();
    const double* const from = exact.const_data_ptr<double>();
    const int64_t outputs = weight.size(0);
    const int64_t inputs = weight.size(1);
    const Kernels& kernels = *kernels_for(inputs, outputs);
    const int64_t group = kernels.vectors_at_once(outputs) * kernels.lanes;
    // points x groups of outputs x inputs x outputs of a group
    at::Tensor packed = at::empty({points_of(doubles) * outputs * inputs}, at::kFloat);
    float* const to = packed.mutable_data_ptr<float>();
    for (int64_t output = 0; output < outputs; ++output) {
        for (int64_t input = 0; input < inputs; ++input) {
            const int64_t place = (output / group * inputs + input) * group + output % group;
            write_points(from + 9 * (output * inputs + input), doubles, to + place, outputs * inputs);
        }
    }
    return packed;
}

at::Tensor convolve(
    const at::Tensor& given, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor* sum,
    const at::Tensor* doubled_sum, const coopseg_native_winograd& how) {
    TORCH_CHECK(is_image(given), "Winograd's convolution needs images in float32 on the host");
    const at::Tensor x = given.contiguous(at::MemoryFormat::ChannelsLast);
    Job job{};
    job.doubles = how.doubles != 0;
    job.points = points_of(job.doubles);
    job.inputs = x.size(1);
    job.outputs = how.outputs;
    const int64_t outputs = how.outputs;
    const Kernels* const kernels = kernels_for(job.inputs, outputs);
    TORCH_CHECK(
        kernels != nullptr && weight.dim() == 1 && weight.numel() == job.points * job.inputs * outputs,
        "Winograd's convolution of ", job.inputs, " to ", outputs, " channels does not fit a weight of ", weight.numel());
    TORCH_CHECK(
        bias.numel() == outputs && bias.is_contiguous() && bias.device().is_cpu() && bias.scalar_type() == at::kFloat,
        "Winograd's convolution to ", outputs, " channels needs as many biases in float32");
    job.height = x.size(2);
    job.width = x.size(3);
    const int64_t times = job.doubles ? 2 : 1;
    job.result_height = times * job.height;
    job.result_width = times * job.width;
    job.tiles_across = (job.result_width + 1) / 2;
    job.tiles_down = (job.result_height + 1) / 2;
    const at::DimVector size{x.size(0), outputs, job.result_height, job.result_width};
    at::Tensor y;
    if (sum != nullptr) {
        check_sum(*sum, size);
        TORCH_CHECK(!sum->is_alias_of(x), "Winograd's convolution cannot write over its input");
        y = *sum;
    } else {
        y = at::empty(size, at::kFloat, at::MemoryFormat::ChannelsLast);
    }
    if (doubled_sum != nullptr) {
        TORCH_CHECK(job.result_height % 2 == 0 && job.result_width % 2 == 0, "half of ", size, " is no size of a sum");
        check_sum(*doubled_sum, at::DimVector{x.size(0), outputs, job.tiles_down, job.tiles_across});
        job.doubled_sum = doubled_sum->const_data_ptr<float>();
    }
    job.x = x.const_data_ptr<float>();
    job.weight = weight.const_data_ptr<float>();
    job.bias = bias.const_data_ptr<float>();
    job.y = y.mutable_data_ptr<float>();
    job.onto = sum != nullptr;
    job.activation = how.activation;
    job.slope = static_cast<float>(how.slope);

    // Threads share whole products, and go through theirs in blocks.
    const int64_t tiles = x.size(0) * job.tiles_down * job.tiles_across;
    const int64_t height = kernels->accumulators / kernels->vectors_at_once(outputs);
    const int64_t rows = (tiles + height - 1) / height;
    const int64_t parts = std::min<int64_t>(at::get_num_threads(), rows);
    job.tiles = std::min(most_tiles / height, (rows + parts - 1) / parts) * height;
    const int64_t room = whole_lines(job_room(job));
    const at::Tensor memory = at::empty({parts * room}, at::kFloat);
    float* const start = memory.mutable_data_ptr<float>();
    in_parallel(parts, [&](int64_t part) {
        const int64_t end = std::min(tiles, rows * (part + 1) / parts * height);
        for (int64_t first = rows * part / parts * height; first < end; first += job.tiles) {
            kernels->convolve_tiles(job, first, std::min(job.tiles, end - first), start + part * room);
        }
    });
    return y;
}

#else

bool fits(const at::Tensor&) {
    return false;
}

bool pays(const at::Tensor&) {
    return false;
}

at::Tensor packed_weight(const at::Tensor&, bool) {
    TORCH_CHECK(false, "Winograd's convolution needs a processor with AVX2 here");
}

at::Tensor convolve(
    const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor*, const at::Tensor*,
    const coopseg_native_winograd&) {
    TORCH_CHECK(false, "Winograd's convolution needs a processor with AVX2 here");
}

#endif

}  // namespace

extern "C" int32_t coopseg_native_winograd_pays(const at::Tensor* weight) {
    return pays(*weight) ? 1 : 0;
}

extern "C" int32_t coopseg_native_winograd_weight(
    const at::Tensor* weight, int32_t doubles, at::Tensor** out_packed, coopseg_native_message* message) {
    return guarded(message, [&] { *out_packed = new at::Tensor(packed_weight(*weight, doubles != 0)); });
}

extern "C" int32_t coopseg_native_winograd_convolve(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, at::Tensor* sum, const at::Tensor* doubled_sum,
    const coopseg_native_winograd* how, at::Tensor** out_result, coopseg_native_message* message) {
    return guarded(
        message, [&] { *out_result = new at::Tensor(convolve(*x, *weight, *bias, sum, doubled_sum, *how)); });
}
