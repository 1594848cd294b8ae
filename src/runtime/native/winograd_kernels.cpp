// Tiles of 2x2 pixels of the result need 4x4 pixels of the input. At each of 16 points (sums and differences of those) the
// tiles' channels are multiplied with the weight's, a product of matrices, instead of at 9 places for each of 4 pixels. A
// block of tiles passes all steps while it is in the cache.
//
// Of an input with every pixel doubled such a tile needs 3x3 pixels, a, b, c in a row of them. The result there is
// w0 a + (w1 + w2) b and (w0 + w1) b + w2 c, which is w0 (a - b) + (w0 + w1 + w2) b and the like: 3 points in each direction.
// Back from gradients p, q, r, s, of which q and r lie over the pixel, it gets w0 (s - q) + (w0 + w1 + w2) (q + r) + w2 (p - r).
//
// The gradient of a weight is at each point the product of the inputs' tiles and those of the result's gradient, summed over
// all tiles.

#include "winograd_job.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace coopseg_native::winograd {

#if defined(__x86_64__)

namespace {

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

}  // namespace

const Kernels* kernels_for(int64_t inputs, int64_t outputs) {
    static const Kernels wide{
        avx512::lanes, avx512::product_height, avx512::product_width, avx512::convolve_tiles, avx512::add_tiles};
    static const Kernels narrow{avx2::lanes, avx2::product_height, avx2::product_width, avx2::convolve_tiles, avx2::add_tiles};
    const auto filled = [&](const Kernels& kernels) {
        return inputs > 0 && outputs > 0 && inputs % kernels.lanes == 0 && outputs % kernels.lanes == 0;
    };
    if (__builtin_cpu_supports("avx512f") && filled(wide)) {
        return &wide;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && filled(narrow) ? &narrow : nullptr;
}

bool kernels_pay(int64_t inputs, int64_t outputs) {
    const Kernels* const kernels = kernels_for(inputs, outputs);
    // oneDNN fills half a register of AVX-512 with fewer channels, and is faster than AVX2.
    return kernels != nullptr && (!__builtin_cpu_supports("avx512f") || kernels->lanes == avx512::lanes);
}

#else

const Kernels* kernels_for(int64_t, int64_t) {
    return nullptr;
}

bool kernels_pay(int64_t, int64_t) {
    return false;
}

#endif

}  // namespace coopseg_native::winograd
