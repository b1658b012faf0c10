// Dot products of F32, F16 and BF16 in the order of llamafile_sgemm(): one sum per lane of a vector, added up at the end.

#include "repeatable-dots.h"

#include "ggml.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>

namespace {

static float add_lanes(__m128 x) {
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    x = _mm_add_ss(x, _mm_movehdup_ps(x));
    return _mm_cvtss_f32(x);
}

#if defined(__AVX512F__)

static float add_lanes(__m512 x) { return _mm512_reduce_add_ps(x); }

static __m512 load(const float * x) { return _mm512_loadu_ps(x); }

static __m512 load(const ggml_fp16_t * x) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) x)); }

static __m512 load(const ggml_bf16_t * x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *) x)), 16));
}

template <typename T>
struct lanes {
    static constexpr int N = 16;

    __m512 sum = _mm512_setzero_ps();

    void add(const T * x, const T * y) { sum = _mm512_fmadd_ps(load(x), load(y), sum); }
};

#if defined(__AVX512BF16__)
template <>
struct lanes<ggml_bf16_t> {
    static constexpr int N = 32;

    __m512 sum = _mm512_setzero_ps();

    void add(const ggml_bf16_t * x, const ggml_bf16_t * y) {
        sum = _mm512_dpbf16_ps(sum, (__m512bh) _mm512_loadu_si512(x), (__m512bh) _mm512_loadu_si512(y));
    }
};
#endif

#else

static float add_lanes(__m256 x) { return add_lanes(_mm_add_ps(_mm256_extractf128_ps(x, 1), _mm256_castps256_ps128(x))); }

static __m256 load(const float * x) { return _mm256_loadu_ps(x); }

static __m256 load(const ggml_fp16_t * x) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x)); }

static __m256 load(const ggml_bf16_t * x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *) x)), 16));
}

template <typename T>
struct lanes {
    static constexpr int N = 8;

    __m256 sum = _mm256_setzero_ps();

    void add(const T * x, const T * y) { sum = _mm256_fmadd_ps(load(x), load(y), sum); }
};

#endif

float to_float(float x)       { return x; }
float to_float(ggml_fp16_t x) { return ggml_fp16_to_fp32(x); }
float to_float(ggml_bf16_t x) { return ggml_bf16_to_fp32(x); }

// If a row does not fill all lanes, llamafile_sgemm() computes nothing, and this function everything.
template <typename T>
float dot(int n, const T * x, const T * y) {
    lanes<T> all;
    int i = 0;
    for (; i + lanes<T>::N <= n; i += lanes<T>::N) {
        all.add(x + i, y + i);
    }
    float sum = add_lanes(all.sum);
    for (; i < n; ++i) {
        sum += to_float(x[i])*to_float(y[i]);
    }
    return sum;
}

}

void repeatable_dot_f32(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot(n, (const float *) x, (const float *) y);
}

void repeatable_dot_f16(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot(n, (const ggml_fp16_t *) x, (const ggml_fp16_t *) y);
}

void repeatable_dot_bf16(int n, float * s, size_t, const void * x, size_t, const void * y, size_t, int) {
    *s = dot(n, (const ggml_bf16_t *) x, (const ggml_bf16_t *) y);
}

#endif
