// Philox for 16 counters at once: the innermost loop of a rotation.

#pragma once

#include "random-rotate-math.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define RANDOM_ROTATE_LANES 16

// philox4x32_lanes(): all rounds for the counters whose words are c0[l], c1[l], c2[l], c3[l]; key = {seed, 0}

#if defined(__AVX2__)

// The product of two words is two words wide. So the even and the odd words of a register are computed separately, and the other
// half of each register is never read. Compilers would move words between lanes in every round.
#if defined(__AVX512F__)

typedef __m512i philox_words;
#define PHILOX_WORDS 16

static inline philox_words philox_load (const uint32_t * c)                     { return _mm512_loadu_si512(c); }
static inline void         philox_store(uint32_t * c, philox_words v)           { _mm512_storeu_si512(c, v); }
static inline philox_words philox_set  (uint32_t x)                             { return _mm512_set1_epi32((int32_t) x); }
static inline philox_words philox_mul  (philox_words a, philox_words m)         { return _mm512_mul_epu32(a, m); }
static inline philox_words philox_upper(philox_words a)                         { return _mm512_srli_epi64(a, 32); }
static inline philox_words philox_xor  (philox_words a, philox_words b, philox_words c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
static inline philox_words philox_join (philox_words even, philox_words odd)    { return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CDAB); }

#else

typedef __m256i philox_words;
#define PHILOX_WORDS 8

static inline philox_words philox_load (const uint32_t * c)                     { return _mm256_loadu_si256((const __m256i *) c); }
static inline void         philox_store(uint32_t * c, philox_words v)           { _mm256_storeu_si256((__m256i *) c, v); }
static inline philox_words philox_set  (uint32_t x)                             { return _mm256_set1_epi32((int32_t) x); }
static inline philox_words philox_mul  (philox_words a, philox_words m)         { return _mm256_mul_epu32(a, m); }
static inline philox_words philox_upper(philox_words a)                         { return _mm256_srli_epi64(a, 32); }
static inline philox_words philox_xor  (philox_words a, philox_words b, philox_words c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
static inline philox_words philox_join (philox_words even, philox_words odd)    { return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa); }

#endif

// All counters in step: each round of a counter depends on the one before it, and the other counters fill the wait.
static inline void philox4x32_lanes(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    constexpr int N = RANDOM_ROTATE_LANES/PHILOX_WORDS;

    const philox_words m0 = philox_set(PHILOX_M0);
    const philox_words m1 = philox_set(PHILOX_M1);

    // of the even words, and of the odd ones
    philox_words a[2*N], b[2*N], c[2*N], d[2*N];
    for (int i = 0; i < N; ++i) {
        a[2*i] = philox_load(c0 + i*PHILOX_WORDS);
        b[2*i] = philox_load(c1 + i*PHILOX_WORDS);
        c[2*i] = philox_load(c2 + i*PHILOX_WORDS);
        d[2*i] = philox_load(c3 + i*PHILOX_WORDS);
        a[2*i + 1] = philox_upper(a[2*i]);
        b[2*i + 1] = philox_upper(b[2*i]);
        c[2*i + 1] = philox_upper(c[2*i]);
        d[2*i + 1] = philox_upper(d[2*i]);
    }
    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        const philox_words k0 = philox_set(seed + r*PHILOX_W0);
        const philox_words k1 = philox_set(r*PHILOX_W1);
        for (int i = 0; i < 2*N; ++i) {
            const philox_words p0 = philox_mul(a[i], m0);
            const philox_words p1 = philox_mul(c[i], m1);

            a[i] = philox_xor(philox_upper(p1), b[i], k0);
            c[i] = philox_xor(philox_upper(p0), d[i], k1);
            b[i] = p1;
            d[i] = p0;
        }
    }
    for (int i = 0; i < N; ++i) {
        philox_store(c0 + i*PHILOX_WORDS, philox_join(a[2*i], a[2*i + 1]));
        philox_store(c1 + i*PHILOX_WORDS, philox_join(b[2*i], b[2*i + 1]));
        philox_store(c2 + i*PHILOX_WORDS, philox_join(c[2*i], c[2*i + 1]));
        philox_store(c3 + i*PHILOX_WORDS, philox_join(d[2*i], d[2*i + 1]));
    }
}

#else

static inline void philox4x32_lanes(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t seed) {
    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        const uint32_t k0 = seed + r*PHILOX_W0;
        const uint32_t k1 = r*PHILOX_W1;
#pragma omp simd
        for (int l = 0; l < RANDOM_ROTATE_LANES; ++l) {
            philox4x32_round(c0[l], c1[l], c2[l], c3[l], k0, k1);
        }
    }
}

#endif
