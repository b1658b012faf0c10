// Shared by the kernels: the key of a token's noise, and random numbers.
//
// Loops over lanes have "omp simd": without it, g++ unrolls loops of known length before it vectorises them, and the
// generator takes four times as many instructions. cmake/ adds -fopenmp-simd, -fno-math-errno for sqrtf, and
// -fno-trapping-math for choices between two results.

#pragma once

#include "ggml-cpu-impl.h"
#include "ggml-random-rotate.h"
#include "random-rotate-apart.h"
#include "random-rotate-lanes.h"
#include "random-rotate-sums.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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
            word[2][l] = noise.time;
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
        random_rotate_normals(words.word[0][l], words.word[1][l], g[0*LANES + l], g[1*LANES + l]);
        random_rotate_normals(words.word[2][l], words.word[3][l], g[2*LANES + l], g[3*LANES + l]);
    }
}

// numbers GROUP*group .. GROUP*group + GROUP - 1 of a direction that keeps apart from others
static inline void draw_apart_group(const noise_key & noise, const random_rotate_apart & apart, uint32_t group, float * GGML_RESTRICT g) {
    uint32_t first[LANES];
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        first[l] = 1 + group*LANES + l;
    }
    counter_words words;
    words.draw(noise, apart.what_for, first);
    for (int w = 0; w < 4; ++w) {
        for (int l = 0; l < LANES; ++l) {
            g[w*LANES + l] = random_rotate_apart_number(apart, words.word[w][l], group*GROUP + w*LANES + l);
        }
    }
}
