// What the kernels share: the key of a token's noise, random numbers, and sums over lanes.
//
// Loops over lanes carry "omp simd": without it, g++ unrolls loops of known length before it looks for vectors in them, and
// the generator takes four times the instructions. cmake/ adds -fopenmp-simd, -fno-math-errno for sqrtf, and
// -fno-trapping-math for choices between two results.

#pragma once

#include "ggml-cpu-impl.h"
#include "ggml-random-rotate.h"
#include "random-rotate-noise-key.h"
#include "random-rotate-lanes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

static constexpr int LANES = RANDOM_ROTATE_LANES;
static constexpr int GROUP = RANDOM_ROTATE_GROUP;

using noise_key = random_rotate_noise_key;

// doses: F32 [n_site, n_layer, n_tables], tokens: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
static inline noise_key noise_key_of(const ggml_tensor * doses, const ggml_tensor * tokens, int64_t token, int32_t layer, int32_t site,
        int64_t head) {
    const int32_t * of = (const int32_t *) tokens->data + token*GGML_RANDOM_ROTATE_TOKEN_SIZE;
    return random_rotate_noise_key_of((const float *) doses->data, doses->ne[0], doses->ne[1], of, layer, site, (int32_t) head);
}

// four words for each of 16 counters
struct counter_words {
    uint32_t word[4][LANES];

    // counters whose first words are first[l]
    void draw(const noise_key & noise, uint32_t what_for, const uint32_t * first) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            word[0][l] = first[l];
            word[1][l] = noise.place;
            word[2][l] = noise.position;
            word[3][l] = what_for;
        }
        philox4x32_lanes(word[0], word[1], word[2], word[3], noise.seed);
    }
};

// numbers GROUP*group .. GROUP*group + GROUP - 1 of a row: normals, or uniforms for reference noise
static inline void draw_group(const noise_key & noise, uint32_t what_for, bool uniform, uint32_t group, float * GGML_RESTRICT g) {
    uint32_t first[LANES];
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        first[l] = 1 + group*LANES + l;
    }
    counter_words words;
    words.draw(noise, what_for, first);
    if (uniform) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            for (int w = 0; w < 4; ++w) {
                g[w*LANES + l] = random_rotate_uniform(words.word[w][l]);
            }
        }
        return;
    }
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        random_rotate_normals(words.word[0][l], words.word[1][l], &g[0*LANES + l], &g[1*LANES + l]);
        random_rotate_normals(words.word[2][l], words.word[3][l], &g[2*LANES + l], &g[3*LANES + l]);
    }
}

//
// sums
//

// 16 numbers in as few registers as the processor has for them; unlike an array's, sums of it stay in registers
typedef float lanes __attribute__((vector_size(LANES*sizeof(float))));

static inline lanes load_lanes(const float * x) {
    lanes v;
    memcpy(&v, x, sizeof(v));
    return v;
}

// the first n numbers, and zeros
static inline lanes load_lanes(const float * x, int64_t n) {
    lanes v = {};
    memcpy(&v, x, n*sizeof(float));
    return v;
}

static inline void store_lanes(const lanes & v, float * y) {
    memcpy(y, &v, sizeof(v));
}

// halves are added up, so that few additions wait for the one before
static inline float sum(const lanes & v) {
    static_assert(LANES == 16, "adds 16 lanes");
    typedef float half    __attribute__((vector_size(8*sizeof(float))));
    typedef float quarter __attribute__((vector_size(4*sizeof(float))));

    half h[2];
    memcpy(h, &v, sizeof(h));
    const half eight = h[0] + h[1];

    quarter q[2];
    memcpy(q, &eight, sizeof(q));
    const quarter four = q[0] + q[1];

    return (four[0] + four[1]) + (four[2] + four[3]);
}

// sums of four at once, which costs half as much
static inline void sum_four(const lanes * v, float * y) {
    typedef float half    __attribute__((vector_size(8*sizeof(float))));
    typedef float quarter __attribute__((vector_size(4*sizeof(float))));

    quarter q[4];
    for (int i = 0; i < 4; ++i) {
        half h[2];
        memcpy(h, &v[i], sizeof(h));
        const half eight = h[0] + h[1];

        quarter p[2];
        memcpy(p, &eight, sizeof(p));
        q[i] = p[0] + p[1];
    }
#if defined(__SSE3__)
    const __m128 a = _mm_hadd_ps((__m128) q[0], (__m128) q[1]);
    const __m128 b = _mm_hadd_ps((__m128) q[2], (__m128) q[3]);
    _mm_storeu_ps(y, _mm_hadd_ps(a, b));
#else
    for (int i = 0; i < 4; ++i) {
        y[i] = (q[i][0] + q[i][1]) + (q[i][2] + q[i][3]);
    }
#endif
}

static inline float dot(const float * a, const float * b, int64_t d) {
    lanes ab = {};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        ab += load_lanes(a + i)*load_lanes(b + i);
    }
    if (i < d) {
        ab += load_lanes(a + i, d - i)*load_lanes(b + i, d - i);
    }
    return sum(ab);
}

// x.y of four x, [d, 4], with one y
static inline void dot_four(const float * x, const float * y, int64_t d, float * result) {
    lanes xy[4] = {};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        const lanes v = load_lanes(y + i);
        for (int r = 0; r < 4; ++r) {
            xy[r] += load_lanes(x + r*d + i)*v;
        }
    }
    if (i < d) {
        const lanes v = load_lanes(y + i, d - i);
        for (int r = 0; r < 4; ++r) {
            xy[r] += load_lanes(x + r*d + i, d - i)*v;
        }
    }
    sum_four(xy, result);
}

// x.x and the sum of x of four x, [d, 4]; totals may be nullptr
static inline void square_and_sum_four(const float * x, int64_t d, float * squares, float * totals) {
    lanes xx[4] = {};
    lanes x1[4] = {};
    for (int r = 0; r < 4; ++r) {
        int64_t i = 0;
        for (; i + LANES <= d; i += LANES) {
            const lanes v = load_lanes(x + r*d + i);
            xx[r] += v*v;
            x1[r] += v;
        }
        if (i < d) {
            const lanes v = load_lanes(x + r*d + i, d - i);
            xx[r] += v*v;
            x1[r] += v;
        }
    }
    sum_four(xx, squares);
    if (totals) {
        sum_four(x1, totals);
    }
}

// x.x and the sum of x
static inline void square_and_sum(const float * x, int64_t d, float * square, float * total) {
    lanes xx = {};
    lanes x1 = {};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        const lanes v = load_lanes(x + i);
        xx += v*v;
        x1 += v;
    }
    if (i < d) {
        const lanes v = load_lanes(x + i, d - i);
        xx += v*v;
        x1 += v;
    }
    *square = sum(xx);
    *total  = sum(x1);
}
