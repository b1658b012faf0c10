// What the kernels for keys and values share: rows of a cache, and random words for each of its cells.

#pragma once

#include "random-rotate-draw.h"

#include "ggml-cpu.h"

// cells are handled in blocks of a multiple of this
static constexpr int64_t CELLS = 64;

#if defined(__AVX512F__)
static inline lanes load_lanes(const ggml_fp16_t * x) {
    return (lanes) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) x));
}
#elif defined(__F16C__)
static inline lanes load_lanes(const ggml_fp16_t * x) {
    const __m256 halves[] = {
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (x + 0))),
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) (x + 8))),
    };
    lanes v;
    memcpy(&v, halves, sizeof(v));
    return v;
}
#endif

// n numbers of a cache, whatever its type, as floats
static inline void load_floats(ggml_type type, const void * at, float * y, int64_t n) {
    switch (type) {
        case GGML_TYPE_F32:
            memcpy(y, at, n*sizeof(float));
            break;
        case GGML_TYPE_F16:
            {
                const ggml_fp16_t * x = (const ggml_fp16_t *) at;
                int64_t i = 0;
#if defined(__AVX512F__) || defined(__F16C__)
                for (; i + LANES <= n; i += LANES) {
                    store_lanes(load_lanes(x + i), y + i);
                }
#endif
                if (i < n) {
                    ggml_cpu_fp16_to_fp32(x + i, y + i, n - i);
                }
            } break;
        case GGML_TYPE_BF16:
            ggml_cpu_bf16_to_fp32((const ggml_bf16_t *) at, y, n);
            break;
        default:
            ggml_get_type_traits(type)->to_float(at, y, n);
            break;
    }
}

// |x| and, for reference noise, the sum of x over |x|, of n <= 64 rows of floats, [d, n]; x has room for a multiple of four
static inline void measure_rows(float * x, int64_t n, int64_t d, bool lean, float * norms, float * leans) {
    const int64_t n_padded = GGML_PAD(n, 4);
    memset(x + n*d, 0, (n_padded - n)*d*sizeof(float));

    float squares[CELLS];
    float totals [CELLS] = {};
    for (int64_t j = 0; j < n_padded; j += 4) {
        square_and_sum_four(x + j*d, d, squares + j, lean ? totals + j : nullptr);
    }
    for (int64_t j = 0; j < n; ++j) {
        norms[j] = sqrtf(squares[j]);
        leans[j] = squares[j] > 0.0f ? totals[j]/norms[j] : 0.0f;
    }
}

// whether any token of a batch has reference noise: sums of vectors are for that alone
static inline bool any_reference(const ggml_tensor * tokens) {
    const int32_t * of = (const int32_t *) tokens->data;
    for (int64_t i = 0; i < tokens->ne[1]; ++i) {
        if (of[i*GGML_RANDOM_ROTATE_TOKEN_SIZE + GGML_RANDOM_ROTATE_TOKEN_NOISE] == GGML_RANDOM_ROTATE_REFERENCE) {
            return true;
        }
    }
    return false;
}

// x.y, x a row of a cache
static inline float dot_cached(ggml_type type, const void * x, const float * y, int64_t n) {
#if defined(__AVX512F__) || defined(__F16C__)
    if (type == GGML_TYPE_F16) {
        const ggml_fp16_t * x16 = (const ggml_fp16_t *) x;
        lanes xys[4] = {}; // so that an addition need not wait for the one before
        int64_t i = 0;
        for (; i + 4*LANES <= n; i += 4*LANES) {
            for (int r = 0; r < 4; ++r) {
                xys[r] += load_lanes(x16 + i + r*LANES)*load_lanes(y + i + r*LANES);
            }
        }
        lanes xy = (xys[0] + xys[1]) + (xys[2] + xys[3]);
        for (; i + LANES <= n; i += LANES) {
            xy += load_lanes(x16 + i)*load_lanes(y + i);
        }
        if (i < n) {
            float tail[LANES];
            load_floats(type, x16 + i, tail, n - i);
            xy += load_lanes(tail, n - i)*load_lanes(y + i, n - i);
        }
        return sum(xy);
    }
#endif
    float sum_xy = 0.0f;
    float floats[CELLS];
    for (int64_t i = 0; i < n; i += CELLS) {
        const int64_t m = std::min(CELLS, n - i);
        load_floats(type, (const char *) x + ggml_row_size(type, i), floats, m);
        sum_xy += dot(floats, y + i, m);
    }
    return sum_xy;
}

// whether 64 cells hold 64 positions in a row, from a multiple of 64 on: the usual case, and the fast one
static inline bool is_aligned_run(const int32_t * positions) {
    int32_t differs = positions[0] & (CELLS - 1);
#pragma omp simd reduction(|:differs)
    for (int i = 0; i < CELLS; ++i) {
        differs |= positions[i] ^ (positions[0] + i);
    }
    return differs == 0 && positions[0] >= 0;
}

// two words for each of 64 cells, for keys; empty cells (position -1) get whatever comes
static inline void draw_pairs(const asking & ask, const int32_t * positions, uint32_t * w0, uint32_t * w1) {
    counter_words words;
    uint32_t first[LANES];
    if (is_aligned_run(positions)) {
        for (int half = 0; half < 2; ++half) {
#pragma omp simd
            for (int l = 0; l < LANES; ++l) {
                first[l] = random_rotate_pair_counter((uint32_t) positions[32*half]) + l;
            }
            words.draw(ask, RANDOM_ROTATE_FOR_SCORES, first);
            for (int pair = 0; pair < 2; ++pair) {
                memcpy(w0 + 32*half + LANES*pair, words.word[2*pair + 0], sizeof(first));
                memcpy(w1 + 32*half + LANES*pair, words.word[2*pair + 1], sizeof(first));
            }
        }
        return;
    }
    for (int i = 0; i < CELLS; i += LANES) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            first[l] = random_rotate_pair_counter((uint32_t) positions[i + l]);
        }
        words.draw(ask, RANDOM_ROTATE_FOR_SCORES, first);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            const bool second = (positions[i + l] >> 4) & 1;
            w0[i + l] = second ? words.word[2][l] : words.word[0][l];
            w1[i + l] = second ? words.word[3][l] : words.word[1][l];
        }
    }
}

// one word for each of 64 cells, for values
static inline void draw_singles(const asking & ask, const int32_t * positions, uint32_t * w) {
    counter_words words;
    uint32_t first[LANES];
    if (is_aligned_run(positions)) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            first[l] = random_rotate_quad_counter((uint32_t) positions[0]) + l;
        }
        words.draw(ask, RANDOM_ROTATE_FOR_VALUES, first);
        memcpy(w, words.word, sizeof(words.word));
        return;
    }
    for (int i = 0; i < CELLS; i += LANES) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            first[l] = random_rotate_quad_counter((uint32_t) positions[i + l]);
        }
        words.draw(ask, RANDOM_ROTATE_FOR_VALUES, first);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            const uint32_t low  = (positions[i + l] >> 4) & 1 ? words.word[1][l] : words.word[0][l];
            const uint32_t high = (positions[i + l] >> 4) & 1 ? words.word[3][l] : words.word[2][l];
            w[i + l] = (positions[i + l] >> 5) & 1 ? high : low;
        }
    }
}
