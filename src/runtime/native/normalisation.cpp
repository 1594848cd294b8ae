// Normalising is nothing but passes over memory. libtorch takes two for the statistics, one to normalise, one to add, one
// to rectify, and as many on the way back. Here the statistics take one, and all the rest another, on both ways.

#include "normalisation.h"

#include "in_parallel.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

using coopseg_native::guarded;
using coopseg_native::in_turn;

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Numbers of a share at least: for fewer no thread is worth waking.
constexpr int64_t least_share = 1 << 15;
// Of a tensor, whatever the number of threads, so that it changes no sum.
constexpr int64_t most_shares = 64;
// Pixels are taken together until they have as many channels as this, so that few channels make long loops too.
constexpr int64_t least_row = 64;

// Rows of `length` numbers: the channels of one or several pixels.
struct Rows {
    int64_t start;
    int64_t count;
    int64_t length;
};

// What makes a channel's results of its values, as long as a row.
struct Affine {
    const float* scale;
    const float* shift;
    float slope;
};

// The loops. Each is compiled for every set of vector instructions; the compiler makes the vectors. What they need is
// copied to variables of their own, or it would be read anew after whatever is written.
#define INLINED __attribute__((always_inline))
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

// sums[c] += x[c], squares[c] += x[c]^2: in float64, where squares of float32 are exact.
template <typename Number>
struct AddMoments {
    const Number* x;
    double* sums;
    double* squares;

    INLINED void operator()(const Rows& rows) const {
        const int64_t length = rows.length;
        double* __restrict__ const sum = sums;
        double* __restrict__ const square = squares;
        const Number* __restrict__ from = x + rows.start;
        int64_t row = 0;
        for (; row + 4 <= rows.count; row += 4, from += 4 * length) {
            INDEPENDENT
            for (int64_t c = 0; c < length; ++c) {
                const float x0 = from[c], x1 = from[c + length], x2 = from[c + 2 * length], x3 = from[c + 3 * length];
                const double v0 = x0, v1 = x1, v2 = x2, v3 = x3;
                sum[c] += (v0 + v1) + (v2 + v3);
                square[c] += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3);
            }
        }
        for (; row < rows.count; ++row, from += length) {
            INDEPENDENT
            for (int64_t c = 0; c < length; ++c) {
                const float x0 = from[c];
                const double v0 = x0;
                sum[c] += v0;
                square[c] += v0 * v0;
            }
        }
    }
};

// y = rectified(scale x + shift + summand).
template <typename Number, bool adds>
struct Normalise {
    Affine affine;
    const Number* x;
    const Number* summand;
    Number* y;

    INLINED void operator()(const Rows& rows) const {
        const int64_t length = rows.length;
        const float* __restrict__ const scale = affine.scale;
        const float* __restrict__ const shift = affine.shift;
        const float slope = affine.slope;
        for (int64_t row = 0; row < rows.count; ++row) {
            const int64_t at = rows.start + row * length;
            const Number* __restrict__ const from = x + at;
            const Number* __restrict__ const more = adds ? summand + at : nullptr;
            Number* __restrict__ const to = y + at;
            INDEPENDENT
            for (int64_t c = 0; c < length; ++c) {
                const float v = from[c];
                float z = scale[c] * v + shift[c];
                if (adds) {
                    const float added = more[c];
                    z += added;
                }
                // Zero is added because 0 times a negative number is -0.
                to[c] = z * (z > 0 ? 1.0F : slope) + 0.0F;
            }
        }
    }
};

// The way back through the rectifier: per channel the sum of that gradient, and its sum weighted with x. Where something
// was added, it is that summand's gradient too, and kept; where the rectifier let pass is seen in the results then.
template <typename Number, bool adds>
struct AddGradients {
    Affine affine;
    const Number* x;
    const Number* y;
    const Number* gradient;
    Number* kept;
    double* sums;
    double* products;

    INLINED void operator()(const Rows& rows) const {
        const int64_t length = rows.length;
        const float* __restrict__ const scale = affine.scale;
        const float* __restrict__ const shift = affine.shift;
        const float slope = affine.slope;
        double* __restrict__ const sum = sums;
        double* __restrict__ const product = products;
        for (int64_t row = 0; row < rows.count; ++row) {
            const int64_t at = rows.start + row * length;
            const Number* __restrict__ const value = x + at;
            const Number* __restrict__ const result = adds ? y + at : nullptr;
            const Number* __restrict__ const given = gradient + at;
            Number* __restrict__ const keep = adds ? kept + at : nullptr;
            INDEPENDENT
            for (int64_t c = 0; c < length; ++c) {
                const float v = value[c];
                float z = scale[c] * v + shift[c];
                if (adds) {
                    z = result[c];
                }
                float d = given[c];
                d *= z > 0 ? 1.0F : slope;
                if (adds) {
                    keep[c] = d;
                }
                sum[c] += d;
                product[c] += static_cast<double>(d) * v;
            }
        }
    }
};

// What makes a channel's gradients of x, as long as a row: scale (d - mean_gradient - slant (x - mean)).
struct Tangent {
    const float* mean_gradient;
    const float* slant;
    const float* mean;
};

// The gradient of x, of the gradients d that AddGradients kept, or that are made again.
template <typename Number, bool adds>
struct Spread {
    Affine affine;
    Tangent tangent;
    const Number* x;
    const Number* gradient;
    Number* of_x;

    INLINED void operator()(const Rows& rows) const {
        const int64_t length = rows.length;
        const float* __restrict__ const scale = affine.scale;
        const float* __restrict__ const shift = affine.shift;
        const float slope = affine.slope;
        const float* __restrict__ const mean_gradient = tangent.mean_gradient;
        const float* __restrict__ const slant = tangent.slant;
        const float* __restrict__ const mean = tangent.mean;
        for (int64_t row = 0; row < rows.count; ++row) {
            const int64_t at = rows.start + row * length;
            const Number* __restrict__ const value = x + at;
            const Number* __restrict__ const given = gradient + at;
            Number* __restrict__ const to = of_x + at;
            INDEPENDENT
            for (int64_t c = 0; c < length; ++c) {
                const float v = value[c];
                float d = given[c];
                if (!adds) {
                    d *= scale[c] * v + shift[c] > 0 ? 1.0F : slope;
                }
                to[c] = scale[c] * (d - mean_gradient[c] - slant[c] * (v - mean[c]));
            }
        }
    }
};

#undef INLINED
#undef INDEPENDENT

#if defined(__x86_64__)

template <typename Loop>
__attribute__((target("avx2,fma"))) void run_avx2(const Loop& loop, const Rows& rows) {
    loop(rows);
}

// Compilers make vectors of half the width where nobody asks for more.
#if defined(__clang__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"), min_vector_width(512)))
#else
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif

template <typename Loop>
AVX512 void run_avx512(const Loop& loop, const Rows& rows) {
    loop(rows);
}

#undef AVX512

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return has;
}

bool has_avx512() {
    static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has;
}

#endif

template <typename Loop>
void run(const Loop& loop, const Rows& rows) {
#if defined(__x86_64__)
    if (has_avx512()) {
        run_avx512(loop, rows);
        return;
    }
    if (has_avx2()) {
        run_avx2(loop, rows);
        return;
    }
#endif
    loop(rows);
}

// How the numbers of a tensor are shared out among threads.
class Shares {
  public:
    explicit Shares(const at::Tensor& x)
        : channels_(x.size(1)),
          pixels_(x.numel() / channels_),
          together_(std::min(pixels_, (least_row + channels_ - 1) / channels_)),
          rows_(pixels_ / together_),
          count_(std::clamp<int64_t>(x.numel() / least_share, 1, most_shares)) {}

    int64_t channels() const { return channels_; }
    int64_t pixels() const { return pixels_; }
    int64_t row_length() const { return together_ * channels_; }

    // Runs the loops that `loop_of(share)` gives over all numbers.
    template <typename LoopOf>
    void each(const LoopOf& loop_of) const {
        in_turn(count_, [&](int64_t share, int64_t) {
            const auto loop = loop_of(share);
            const int64_t first = rows_ * share / count_;
            run(loop, {first * row_length(), rows_ * (share + 1) / count_ - first, row_length()});
            const int64_t rest = pixels_ - rows_ * together_;
            if (share == count_ - 1 && rest > 0) {
                run(loop, {rows_ * row_length(), 1, rest * channels_});
            }
        });
    }

    // Two sums for each channel, which `loop_of(first, second)` adds to; always in the same order, whichever thread takes
    // which share.
    template <typename LoopOf>
    std::vector<double> two_sums(const LoopOf& loop_of) const {
        const int64_t length = row_length();
        // Apart by a cache line.
        const int64_t step = 2 * length + 8;
        std::vector<double> of_shares(static_cast<size_t>(count_ * step), 0.0);
        each([&](int64_t share) {
            double* const own = of_shares.data() + share * step;
            return loop_of(own, own + length);
        });
        std::vector<double> sums(static_cast<size_t>(2 * channels_), 0.0);
        for (int64_t share = 0; share < count_; ++share) {
            for (int64_t index = 0; index < 2 * length; ++index) {
                const int64_t second = index / length;
                sums[second * channels_ + index % length % channels_] += of_shares[share * step + index];
            }
        }
        return sums;
    }

    // One number for each channel, for all numbers of a row.
    template <typename Of>
    std::vector<float> row(const Of& of) const {
        std::vector<float> numbers(static_cast<size_t>(row_length()));
        for (int64_t index = 0; index < row_length(); ++index) {
            numbers[index] = static_cast<float>(of(index % channels_));
        }
        return numbers;
    }

  private:
    int64_t channels_, pixels_, together_, rows_, count_;
};

bool fits(const at::Tensor& x) {
    return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.dim() == 4 &&
           x.numel() > 0 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// The passes over tensors with numbers of one type.
template <typename Number>
struct Passes {
    static const Number* from(const at::Tensor& tensor) { return tensor.const_data_ptr<Number>(); }
    static Number* to(const at::Tensor& tensor) { return tensor.mutable_data_ptr<Number>(); }

    // Per channel the sum of x, then the sum of its squares.
    static std::vector<double> moments(const Shares& shares, const at::Tensor& x) {
        return shares.two_sums(
            [&](double* first, double* second) { return AddMoments<Number>{from(x), first, second}; });
    }

    static void normalise(
        const Shares& shares, const Affine& affine, const at::Tensor& x, const std::optional<at::Tensor>& summand,
        const at::Tensor& y) {
        if (summand) {
            shares.each([&](int64_t) { return Normalise<Number, true>{affine, from(x), from(*summand), to(y)}; });
        } else {
            shares.each([&](int64_t) { return Normalise<Number, false>{affine, from(x), nullptr, to(y)}; });
        }
    }

    // Per channel the sum of the rectified gradient, then that of its products with x. It is kept where there is a
    // `kept`.
    static std::vector<double> gradients(
        const Shares& shares, const Affine& affine, const at::Tensor& x, const at::Tensor& y, const at::Tensor& gradient,
        const at::Tensor& kept) {
        if (kept.defined()) {
            return shares.two_sums([&](double* first, double* second) {
                return AddGradients<Number, true>{affine, from(x), from(y), from(gradient), to(kept), first, second};
            });
        }
        return shares.two_sums([&](double* first, double* second) {
            return AddGradients<Number, false>{affine, from(x), nullptr, from(gradient), nullptr, first, second};
        });
    }

    // The gradient of x, of one that is rectified already or of one that is not.
    static void spread(
        const Shares& shares, const Affine& affine, const Tangent& tangent, const at::Tensor& x,
        const at::Tensor& gradient, bool rectified, const at::Tensor& of_x) {
        if (rectified) {
            shares.each(
                [&](int64_t) { return Spread<Number, true>{affine, tangent, from(x), from(gradient), to(of_x)}; });
        } else {
            shares.each(
                [&](int64_t) { return Spread<Number, false>{affine, tangent, from(x), from(gradient), to(of_x)}; });
        }
    }
};

// What `use` makes of the passes for the numbers of x.
template <typename Use>
auto with_passes(const at::Tensor& x, const Use& use) {
    return x.scalar_type() == at::kFloat ? use(Passes<float>()) : use(Passes<at::BFloat16>());
}

// running <- (1 - momentum) running + momentum now(channel).
template <typename Now>
void move_running(at::Tensor& running, double momentum, const Now& now) {
    float* const values = running.mutable_data_ptr<float>();
    for (int64_t c = 0; c < running.numel(); ++c) {
        values[c] = static_cast<float>((1 - momentum) * values[c] + momentum * now(c));
    }
}

// What a pass over x needs per channel, for every number of a row.
struct Scaling {
    std::vector<float> scale;
    std::vector<float> shift;

    // `statistics` are the means and the inverse deviations.
    Scaling(const Shares& shares, const at::Tensor& statistics, const at::Tensor& weight, const at::Tensor& bias) {
        const double* const mean = statistics.const_data_ptr<double>();
        const double* const inverse = mean + shares.channels();
        const float* const factor = weight.const_data_ptr<float>();
        const float* const offset = bias.const_data_ptr<float>();
        scale = shares.row([&](int64_t c) { return factor[c] * inverse[c]; });
        shift = shares.row([&](int64_t c) { return offset[c] - mean[c] * factor[c] * inverse[c]; });
    }

    Affine rectified(double slope) const { return {scale.data(), shift.data(), static_cast<float>(slope)}; }
};

// `summand` is the last tensor, because one that is not there has no number among those that need gradients.
struct Normalisation : torch::autograd::Function<Normalisation> {
    static at::Tensor forward(
        AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
        const std::optional<at::Tensor>& summand, at::Tensor* running_mean, at::Tensor* running_var,
        coopseg_native_normalisation how) {
        const Shares shares(x);
        const int64_t channels = shares.channels();
        const auto count = static_cast<double>(shares.pixels());
        const std::vector<double> sums = with_passes(x, [&](auto passes) { return passes.moments(shares, x); });
        const at::Tensor statistics = at::empty({2, channels}, at::kDouble);
        double* const mean = statistics.mutable_data_ptr<double>();
        double* const inverse = mean + channels;
        const auto variance = [&](int64_t c) { return std::max(sums[channels + c] / count - mean[c] * mean[c], 0.0); };
        for (int64_t c = 0; c < channels; ++c) {
            mean[c] = sums[c] / count;
            inverse[c] = 1 / std::sqrt(variance(c) + how.epsilon);
        }
        if (running_mean != nullptr && running_var != nullptr) {
            move_running(*running_mean, how.momentum, [&](int64_t c) { return mean[c]; });
            move_running(*running_var, how.momentum, [&](int64_t c) { return variance(c) * count / (count - 1); });
        }

        const Scaling scaling(shares, statistics, weight, bias);
        const Affine affine = scaling.rectified(how.slope);
        const at::Tensor y = at::empty_like(x);
        with_passes(x, [&](auto passes) { passes.normalise(shares, affine, x, summand, y); });
        context->save_for_backward({x, summand ? y : at::Tensor(), weight, bias, statistics});
        context->saved_data["slope"] = how.slope;
        return y;
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor& x = saved[0];
        const at::Tensor& y = saved[1];
        const at::Tensor& weight = saved[2];
        const at::Tensor& statistics = saved[4];
        const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        const Shares shares(x);
        const Scaling scaling(shares, statistics, weight, saved[3]);
        const Affine affine = scaling.rectified(context->saved_data["slope"].toDouble());

        const at::Tensor of_summand = y.defined() ? at::empty_like(x) : at::Tensor();
        const std::vector<double> sums = with_passes(
            x, [&](auto passes) { return passes.gradients(shares, affine, x, y, gradient, of_summand); });

        const int64_t channels = shares.channels();
        const auto count = static_cast<double>(shares.pixels());
        const double* const mean = statistics.const_data_ptr<double>();
        const double* const inverse = mean + channels;
        // The sum of the gradients weighted with the normalised values.
        const auto weighted = [&](int64_t c) { return (sums[channels + c] - mean[c] * sums[c]) * inverse[c]; };
        at::Tensor of_x, of_weight, of_bias;
        if (context->needs_input_grad(0)) {
            const std::vector<float> mean_gradient = shares.row([&](int64_t c) { return sums[c] / count; });
            const std::vector<float> slant = shares.row([&](int64_t c) { return weighted(c) * inverse[c] / count; });
            const std::vector<float> centre = shares.row([&](int64_t c) { return mean[c]; });
            const Tangent tangent{mean_gradient.data(), slant.data(), centre.data()};
            of_x = at::empty_like(x);
            const bool kept = of_summand.defined();
            with_passes(x, [&](auto passes) {
                passes.spread(shares, affine, tangent, x, kept ? of_summand : gradient, kept, of_x);
            });
        }
        const auto per_channel = [&](const auto& of) {
            at::Tensor result = at::empty_like(weight);
            for (int64_t c = 0; c < channels; ++c) {
                result.mutable_data_ptr<float>()[c] = static_cast<float>(of(c));
            }
            return result;
        };
        if (context->needs_input_grad(1)) {
            of_weight = per_channel(weighted);
        }
        if (context->needs_input_grad(2)) {
            of_bias = per_channel([&](int64_t c) { return sums[c]; });
        }
        return {of_x, of_weight, of_bias, of_summand, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

extern "C" int32_t coopseg_native_normalises(const at::Tensor* x) {
    return fits(*x) ? 1 : 0;
}

extern "C" int32_t coopseg_native_normalise(
    const at::Tensor* x, const at::Tensor* summand, const at::Tensor* weight, const at::Tensor* bias,
    at::Tensor* running_mean, at::Tensor* running_var, const coopseg_native_normalisation* how, at::Tensor** out_result,
    coopseg_native_message* message) {
    return guarded(message, [&] {
        const int64_t channels = fits(*x) ? x->size(1) : 0;
        const auto of_channels = [&](const at::Tensor* given) {
            return given == nullptr || (given->device().is_cpu() && given->scalar_type() == at::kFloat &&
                                        given->is_contiguous() && given->numel() == channels);
        };
        TORCH_CHECK(
            channels > 0, "this normalisation needs float32 or bfloat16 on the CPU with the channel fastest in memory");
        TORCH_CHECK(
            of_channels(weight) && of_channels(bias) && of_channels(running_mean) && of_channels(running_var),
            "normalising ", channels, " channels needs ", channels, " float32 numbers of each kind");
        TORCH_CHECK(x->numel() > channels, "the variance of one value per channel is not known");
        std::optional<at::Tensor> added;
        if (summand != nullptr) {
            TORCH_CHECK(summand->sizes() == x->sizes(), "what is added has another size than what is normalised");
            added = summand->to(x->scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
        }
        *out_result =
            new at::Tensor(Normalisation::apply(*x, *weight, *bias, added, running_mean, running_var, *how));
    });
}
