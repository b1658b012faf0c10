// Philox for 16 counters at once, the innermost loop of a rotation.

#pragma once

#include "random-rotate-math.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define RANDOM_ROTATE_LANES 16

// philox4x32_lanes(): all rounds for the counters whose words are c0[l], c1[l], c2[l], c3[l]; key = {seed, 0}

#if defined(__AVX512F__)

// Upper and lower halves of the products of sixteen numbers with one. Compilers find the same operations, but spend as many
// again on bringing numbers from lane to lane.
static inline void philox_mul_x16(__m512i a, __m512i m, __m512i * hi, __m512i * lo) {
    const __m512i even = _mm512_mul_epu32(a, m);
    const __m512i odd  = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), m);

    *hi = _mm512_mask_shuffle_epi32(odd,  0x5555, even, _MM_PERM_CDAB);
    *lo = _mm512_mask_shuffle_epi32(even, 0xaaaa, odd,  _MM_PERM_CDAB);
}

static inline void philox4x32_lanes(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    const __m512i m0 = _mm512_set1_epi32((int32_t) PHILOX_M0);
    const __m512i m1 = _mm512_set1_epi32((int32_t) PHILOX_M1);

    __m512i v0 = _mm512_loadu_si512(c0);
    __m512i v1 = _mm512_loadu_si512(c1);
    __m512i v2 = _mm512_loadu_si512(c2);
    __m512i v3 = _mm512_loadu_si512(c3);

    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        __m512i hi0, lo0, hi1, lo1;
        philox_mul_x16(v0, m0, &hi0, &lo0);
        philox_mul_x16(v2, m1, &hi1, &lo1);

        // 0x96: the exclusive or of three
        v0 = _mm512_ternarylogic_epi32(hi1, v1, _mm512_set1_epi32((int32_t) (seed + r*PHILOX_W0)), 0x96);
        v2 = _mm512_ternarylogic_epi32(hi0, v3, _mm512_set1_epi32((int32_t) (r*PHILOX_W1)), 0x96);
        v1 = lo1;
        v3 = lo0;
    }

    _mm512_storeu_si512(c0, v0);
    _mm512_storeu_si512(c1, v1);
    _mm512_storeu_si512(c2, v2);
    _mm512_storeu_si512(c3, v3);
}

#elif defined(__AVX2__)

// Upper and lower halves of the products of eight numbers with one. Compilers find the same operations, but spend as many
// again on bringing numbers from lane to lane.
static inline void philox_mul_x8(__m256i a, __m256i m, __m256i * hi, __m256i * lo) {
    const __m256i even = _mm256_mul_epu32(a, m);
    const __m256i odd  = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), m);

    *hi = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *lo = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

static inline void philox4x32_x8(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    const __m256i m0 = _mm256_set1_epi32((int32_t) PHILOX_M0);
    const __m256i m1 = _mm256_set1_epi32((int32_t) PHILOX_M1);

    __m256i v0 = _mm256_loadu_si256((const __m256i *) c0);
    __m256i v1 = _mm256_loadu_si256((const __m256i *) c1);
    __m256i v2 = _mm256_loadu_si256((const __m256i *) c2);
    __m256i v3 = _mm256_loadu_si256((const __m256i *) c3);

    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        __m256i hi0, lo0, hi1, lo1;
        philox_mul_x8(v0, m0, &hi0, &lo0);
        philox_mul_x8(v2, m1, &hi1, &lo1);

        v0 = _mm256_xor_si256(_mm256_xor_si256(hi1, v1), _mm256_set1_epi32((int32_t) (seed + r*PHILOX_W0)));
        v2 = _mm256_xor_si256(_mm256_xor_si256(hi0, v3), _mm256_set1_epi32((int32_t) (r*PHILOX_W1)));
        v1 = lo1;
        v3 = lo0;
    }

    _mm256_storeu_si256((__m256i *) c0, v0);
    _mm256_storeu_si256((__m256i *) c1, v1);
    _mm256_storeu_si256((__m256i *) c2, v2);
    _mm256_storeu_si256((__m256i *) c3, v3);
}

static inline void philox4x32_lanes(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    for (int l = 0; l < RANDOM_ROTATE_LANES; l += 8) {
        philox4x32_x8(c0 + l, c1 + l, c2 + l, c3 + l, seed);
    }
}

#else

static inline void philox4x32_lanes(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        const uint32_t k0 = seed + r*PHILOX_W0;
        const uint32_t k1 = r*PHILOX_W1;
#pragma omp simd
        for (int l = 0; l < RANDOM_ROTATE_LANES; ++l) {
            philox4x32_round(&c0[l], &c1[l], &c2[l], &c3[l], k0, k1);
        }
    }
}

#endif
