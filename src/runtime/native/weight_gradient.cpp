// With the channel fastest in memory this is a product of matrices whose inner dimension is the pixels: for each row of
// the kernel, `fine` (pixels x A) with windows of `wide` (pixels x size C), which overlap from pixel to pixel and lie in
// one piece. A tile of that product stays in registers while the pixels of some rows pass.

#include "weight_gradient.h"

#include "in_parallel.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace coopseg_native {

#if defined(__x86_64__)

namespace {

// Channels of `fine` in one register.
constexpr int64_t lanes = 8;
// Pixels that a tile takes at least, where the rows are that long together: fewer cost more for storing it than for
// computing it.
constexpr int64_t least_pixels = 96;
// Rows that are copied together; each row of the kernel adds one that the next copy has too.
constexpr int64_t copied_rows = 8;

// Pixels of `rows` rows: of `fine` one after the other, of `wide` with these distances.
struct Pixels {
    const float* fine;
    int64_t fine_step;
    const float* wide;
    int64_t wide_step;
    int64_t wide_row;
    int64_t rows;
    int64_t columns;
};

// sum[m][v] += wide[m] * fine[v] over the pixels, for `height` values of `wide` and `width` registers of `fine`.
// All loops over registers are unrolled, or the compiler would keep them in memory.
template <int height, int width>
__attribute__((target("avx2,fma"))) void add_tile(const Pixels& pixels, float* sum, int64_t sum_row) {
    __m256 tile[height][width];
#pragma GCC unroll 16
    for (int m = 0; m < height; ++m) {
#pragma GCC unroll 2
        for (int v = 0; v < width; ++v) {
            tile[m][v] = _mm256_setzero_ps();
        }
    }
    const float* fine = pixels.fine;
    for (int64_t row = 0; row < pixels.rows; ++row) {
        const float* wide = pixels.wide + row * pixels.wide_row;
        for (int64_t column = 0; column < pixels.columns; ++column) {
            __m256 values[width];
#pragma GCC unroll 2
            for (int v = 0; v < width; ++v) {
                values[v] = _mm256_loadu_ps(fine + lanes * v);
            }
#pragma GCC unroll 16
            for (int m = 0; m < height; ++m) {
                const __m256 factor = _mm256_broadcast_ss(wide + m);
#pragma GCC unroll 2
                for (int v = 0; v < width; ++v) {
                    tile[m][v] = _mm256_fmadd_ps(factor, values[v], tile[m][v]);
                }
            }
            fine += pixels.fine_step;
            wide += pixels.wide_step;
        }
    }
#pragma GCC unroll 16
    for (int m = 0; m < height; ++m) {
#pragma GCC unroll 2
        for (int v = 0; v < width; ++v) {
            float* place = sum + m * sum_row + lanes * v;
            _mm256_storeu_ps(place, _mm256_add_ps(_mm256_loadu_ps(place), tile[m][v]));
        }
    }
}

using AddTile = void (*)(const Pixels&, float*, int64_t);

// Twelve of the sixteen registers hold the tile: 12 x 1 or 6 x 2. By height.
constexpr AddTile one_wide[] = {nullptr,         add_tile<1, 1>, add_tile<2, 1>,  add_tile<3, 1>,  add_tile<4, 1>,
                                add_tile<5, 1>,  add_tile<6, 1>, add_tile<7, 1>,  add_tile<8, 1>,  add_tile<9, 1>,
                                add_tile<10, 1>, add_tile<11, 1>, add_tile<12, 1>};
constexpr AddTile two_wide[] = {nullptr,        add_tile<1, 2>, add_tile<2, 2>, add_tile<3, 2>,
                                add_tile<4, 2>, add_tile<5, 2>, add_tile<6, 2>};

// Rows of pixels one after the other.
struct Rows {
    const float* pixels;
    int64_t length;
};

// What one thread has for itself.
struct Workplace {
    float* sum;
    float* wide;
    float* fine;
};

class Sums {
  public:
    Sums(const at::Tensor& fine, const at::Tensor& wide, const Kernel& kernel)
        : fine_(fine.const_data_ptr<float>()),
          wide_(wide.const_data_ptr<float>()),
          kernel_(kernel),
          images_(fine.size(0)),
          channels_(fine.size(1)),
          height_(fine.size(2)),
          width_(fine.size(3)),
          wide_channels_(wide.size(1)),
          wide_height_(wide.size(2)),
          wide_width_(wide.size(3)) {
        rows_at_once_ = std::min(height_, (least_pixels + width_ - 1) / width_);
        rows_copied_ = std::min(height_, std::max(rows_at_once_, copied_rows / rows_at_once_ * rows_at_once_));
        columns_needed_ = (width_ - 1) * kernel.stride + kernel.size;
        pieces_per_image_ = (height_ + rows_copied_ - 1) / rows_copied_;
    }

    int64_t pieces() const { return images_ * pieces_per_image_; }

    // Numbers in the sum, and in the two other parts of a workplace.
    int64_t sum_size() const { return kernel_.size * sum_row_count() * channels_; }
    int64_t wide_size() const { return rows_needed(rows_copied_) * columns_needed_ * wide_channels_; }
    int64_t fine_size() const { return rows_copied_ * width_ * channels_; }

    // Adds pieces `first` to `last` - 1 to what is zero before.
    void add(const Workplace& at, int64_t first, int64_t last) const {
        std::fill_n(at.sum, sum_size(), 0.0F);
        for (int64_t piece = first; piece < last; ++piece) {
            const int64_t image = piece / pieces_per_image_;
            const int64_t top = piece % pieces_per_image_ * rows_copied_;
            const int64_t rows = std::min(rows_copied_, height_ - top);
            const Rows wide = wide_rows(at.wide, image, top * kernel_.stride - kernel_.padding, rows_needed(rows));
            const Rows fine = fine_rows(at.fine, image, top, rows);
            for (int64_t row = 0; row < rows; row += rows_at_once_) {
                add_rows(at.sum, fine, wide, row, std::min(rows_at_once_, rows - row), rows);
            }
        }
    }

  private:
    int64_t sum_row_count() const { return kernel_.size * wide_channels_; }
    int64_t rows_needed(int64_t rows) const { return (rows - 1) * kernel_.stride + kernel_.size; }

    // Rows of `wide` from `top`, with zeros where there is no pixel; in `to` if they must be copied for that.
    Rows wide_rows(float* to, int64_t image, int64_t top, int64_t rows) const {
        if (kernel_.padding == 0) {
            const int64_t length = wide_width_ * wide_channels_;
            return {wide_ + (image * wide_height_ + top) * length, length};
        }
        const Rows copied{to, columns_needed_ * wide_channels_};
        const int64_t length = copied.length;
        const int64_t from = std::min(kernel_.padding, columns_needed_);
        const int64_t until = std::max(from, std::min(columns_needed_, wide_width_ + kernel_.padding));
        for (int64_t row = 0; row < rows; ++row, to += length) {
            const int64_t y = top + row;
            if (y < 0 || y >= wide_height_) {
                std::fill_n(to, length, 0.0F);
                continue;
            }
            const float* pixels = wide_ + (image * wide_height_ + y) * wide_width_ * wide_channels_;
            std::fill_n(to, from * wide_channels_, 0.0F);
            std::copy_n(pixels, (until - from) * wide_channels_, to + from * wide_channels_);
            std::fill_n(to + until * wide_channels_, (columns_needed_ - until) * wide_channels_, 0.0F);
        }
        return copied;
    }

    // Rows of `fine`, two registers of channels after the other, so that a tile reads one piece of memory.
    Rows fine_rows(float* to, int64_t image, int64_t top, int64_t rows) const {
        const float* pixels = fine_ + (image * height_ + top) * width_ * channels_;
        const Rows copied{to, width_ * channels_};
        if (channels_ <= 2 * lanes) {
            return {pixels, copied.length};
        }
        for (int64_t channel = 0; channel < channels_; channel += 2 * lanes) {
            const int64_t count = std::min(2 * lanes, channels_ - channel);
            for (int64_t pixel = 0; pixel < rows * width_; ++pixel, to += count) {
                std::memcpy(to, pixels + pixel * channels_ + channel, static_cast<size_t>(count) * sizeof(float));
            }
        }
        return copied;
    }

    // Adds `rows` rows from `row` of the `all_rows` that are in `fine`.
    void add_rows(
        float* sums, const Rows& fine, const Rows& wide, int64_t row, int64_t rows, int64_t all_rows) const {
        const int64_t window = sum_row_count();
        for (int64_t i = 0; i < kernel_.size; ++i) {
            const float* windows = wide.pixels + (row * kernel_.stride + i) * wide.length;
            for (int64_t channel = 0; channel < channels_; channel += 2 * lanes) {
                const int64_t count = std::min(2 * lanes, channels_ - channel);
                const bool two = count > lanes;
                const int64_t tallest = two ? 6 : 12;
                Pixels pixels{fine.pixels + (channel * all_rows + row * count) * width_,
                              count,
                              windows,
                              kernel_.stride * wide_channels_,
                              kernel_.stride * wide.length,
                              rows,
                              width_};
                float* sum = sums + i * window * channels_ + channel;
                for (int64_t start = 0; start < window; start += tallest) {
                    const int64_t tall = std::min(tallest, window - start);
                    pixels.wide = windows + start;
                    (two ? two_wide : one_wide)[tall](pixels, sum + start * channels_, channels_);
                }
            }
        }
    }

    const float* fine_;
    const float* wide_;
    Kernel kernel_;
    int64_t images_, channels_, height_, width_;
    int64_t wide_channels_, wide_height_, wide_width_;
    int64_t rows_at_once_ = 1, rows_copied_ = 1, columns_needed_ = 1, pieces_per_image_ = 1;
};

}  // namespace

bool weight_gradient_runs() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool weight_gradient_pays(int64_t wide_channels) {
    // oneDNN has other, faster code for AVX-512, but not for a single channel.
    return weight_gradient_runs() && (wide_channels == 1 || !__builtin_cpu_supports("avx512f"));
}

bool weight_gradient_fits(const at::Tensor& fine, const at::Tensor& wide) {
    const auto plain = [](const at::Tensor& x) {
        return x.dim() == 4 && x.numel() > 0 && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
               x.layout() == at::kStrided && x.permute({0, 2, 3, 1}).is_contiguous();
    };
    return plain(fine) && plain(wide) && fine.size(1) % lanes == 0;
}

at::Tensor weight_gradient(const at::Tensor& fine, const at::Tensor& wide, const Kernel& kernel) {
    TORCH_CHECK(weight_gradient_runs(), "gradients of weights need a processor with AVX2 here");
    TORCH_CHECK(weight_gradient_fits(fine, wide), "gradients of weights need float32 with the channel fastest in memory");
    const Sums sums(fine, wide, kernel);
    const int64_t parts = std::min<int64_t>(at::get_num_threads(), sums.pieces());
    const int64_t sum_size = sums.sum_size();
    const int64_t sum_step = whole_lines(sum_size);
    const int64_t wide_step = whole_lines(sums.wide_size());
    const int64_t step = sum_step + wide_step + whole_lines(sums.fine_size());
    const at::Tensor memory = at::empty({parts * step}, at::kFloat);
    float* const start = memory.mutable_data_ptr<float>();
    in_parallel(parts, [&](int64_t part) {
        float* const own = start + part * step;
        sums.add(
            {own, own + sum_step, own + sum_step + wide_step}, sums.pieces() * part / parts,
            sums.pieces() * (part + 1) / parts);
    });
    // Always in the order of the parts, whichever thread was first.
    in_parallel(parts, [&](int64_t range) {
        const int64_t from = sum_size * range / parts;
        const int64_t until = sum_size * (range + 1) / parts;
        for (int64_t part = 1; part < parts; ++part) {
            const float* const other = start + part * step;
            for (int64_t index = from; index < until; ++index) {
                start[index] += other[index];
            }
        }
    });
    return memory.narrow(0, 0, sum_size)
        .view({kernel.size, kernel.size, wide.size(1), fine.size(1)})
        .permute({3, 2, 0, 1})
        .contiguous();
}

#else

bool weight_gradient_runs() {
    return false;
}

bool weight_gradient_pays(int64_t) {
    return false;
}

bool weight_gradient_fits(const at::Tensor&, const at::Tensor&) {
    return false;
}

at::Tensor weight_gradient(const at::Tensor&, const at::Tensor&, const Kernel&) {
    TORCH_CHECK(false, "gradients of weights need a processor with AVX2 here");
}

#endif

}  // namespace coopseg_native
