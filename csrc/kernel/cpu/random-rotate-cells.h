// Shared by the kernels for keys and values: rows of a cache, and random words for each of its cells.

#pragma once

#include "random-rotate-attend.h"
#include "random-rotate-draw.h"

#include "ggml-cpu.h"
#include "simd-mappings.h"

// cells are processed in blocks of a multiple of this
static constexpr int64_t CELLS = 64;

// loads 16-bit floats, if the processor has instructions for it
#if defined(__AVX512F__)
#define RANDOM_ROTATE_LOADS_HALVES
static inline packed load_packed(const ggml_fp16_t * x) { return (packed) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) x)); }
#elif defined(__F16C__)
#define RANDOM_ROTATE_LOADS_HALVES
static inline packed load_packed(const ggml_fp16_t * x) { return (packed) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) x)); }
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define RANDOM_ROTATE_LOADS_HALVES
static inline packed load_packed(const ggml_fp16_t * x) { return (packed) vcvt_f32_f16(vld1_f16((const __fp16 *) x)); }
#endif

// prefetches the memory of the next block while this one is processed; harmless if there is none
static inline void prefetch(const char * at, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i += 64) {
        __builtin_prefetch(at + i);
    }
}

// converts n numbers of a cache of any type to floats
static inline void load_floats(ggml_type type, const void * at, float * y, int64_t n) {
    switch (type) {
        case GGML_TYPE_F32:
            memcpy(y, at, n*sizeof(float));
            break;
        case GGML_TYPE_F16:
            {
                const ggml_fp16_t * x = (const ggml_fp16_t *) at;
                int64_t i = 0;
#ifdef RANDOM_ROTATE_LOADS_HALVES
                for (; i + REGISTER <= n; i += REGISTER) {
                    const packed v = load_packed(x + i);
                    memcpy(y + i, &v, sizeof(v));
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

// for n <= 64 rows x of floats, [d, n]: |x| and, for reference noise, the sum of x divided by |x|; x must have
// room for a multiple of four rows
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

// the number of cells up to the last one that is not empty: the end of a cache is often empty
// cells: I32 [n_kv, n_stream]
static inline int64_t used_cells(const ggml_tensor * cells) {
    const int32_t * position = (const int32_t *) cells->data;
    int64_t n = 0;
    for (int64_t s = 0; s < cells->ne[1]; ++s) {
        for (int64_t i = cells->ne[0]; i > n; --i) {
            if (position[s*cells->ne[0] + i - 1] >= 0) {
                n = i;
            }
        }
    }
    return n;
}

// The same, up to the end of the last block of 64 cells, so that a sum has the same lanes however many cells are used. The
// additional cells have no weight.
static inline int64_t used_blocks(const ggml_tensor * cells) {
    return std::min<int64_t>(cells->ne[0], GGML_PAD(used_cells(cells), CELLS));
}

// whether any token of a batch has reference noise: only then are sums of vectors needed
static inline bool any_reference(const ggml_tensor * tokens) {
    const int32_t * of = (const int32_t *) tokens->data;
    for (int64_t i = 0; i < tokens->ne[1]; ++i) {
        if (of[i*GGML_RANDOM_ROTATE_TOKEN_SIZE + GGML_RANDOM_ROTATE_TOKEN_NOISE] == GGML_RANDOM_ROTATE_REFERENCE) {
            return true;
        }
    }
    return false;
}

// sums += x*x, for n numbers of each of four rows x of a cache that are stride bytes apart; four, because that many can be
// loaded from memory at the same time
static inline void add_squares(ggml_type type, const char * x, size_t stride, int64_t n, float * sums) {
    int64_t i = 0;
#ifdef RANDOM_ROTATE_LOADS_HALVES
    for (; type == GGML_TYPE_F16 && i + REGISTER <= n; i += REGISTER) {
        packed total = load_packed(sums + i);
        for (int r = 0; r < 4; ++r) {
            const packed v = load_packed((const ggml_fp16_t *) (x + r*stride) + i);
            total += v*v;
        }
        memcpy(sums + i, &total, sizeof(total));
    }
#endif
    float floats[LANES];
    for (; i < n; i += LANES) {
        const int64_t m = std::min<int64_t>(LANES, n - i);
        for (int r = 0; r < 4; ++r) {
            load_floats(type, x + r*stride + i*ggml_type_size(type), floats, m);
            for (int64_t l = 0; l < m; ++l) {
                sums[i + l] += floats[l]*floats[l];
            }
        }
    }
}

// the numbers of cells, laid out such that the same number of different cells is adjacent
struct cache_columns {
    ggml_type    type;
    const char * at;
    size_t       stride; // bytes from one number of a cell to the next
    int64_t      n;      // cells
    int64_t      d;
};

// sums[r][i] += number i of the cells times y_r, for n_y <= 4 vectors y_r = y + r*n_y_row, padded to a multiple of 16 numbers; the
// cache is read once for all of them
template <int n_y>
static inline void add_dots(const cache_columns & columns, const float * y, int64_t n_y_row, float ** sums) {
    int64_t whole = 0;
#ifdef RANDOM_ROTATE_LOADS_HALVES
    if (columns.type == GGML_TYPE_F16) {
        whole = columns.n - columns.n % LANES;
    }
#endif
    for (int64_t at = 0; at < columns.d; ++at) {
        const char * x = columns.at + at*columns.stride;

        lanes xy[4] = {};
#ifdef RANDOM_ROTATE_LOADS_HALVES
        for (int64_t i = 0; i < whole; i += LANES) {
            for (int part = 0; part < PARTS; ++part) {
                const packed v = load_packed((const ggml_fp16_t *) x + i + part*REGISTER);
                for (int r = 0; r < n_y; ++r) {
                    xy[r].part[part] += v*load_packed(y + r*n_y_row + i + part*REGISTER);
                }
            }
        }
#endif
        for (int64_t i = whole; i < columns.n; i += LANES) {
            float floats[LANES] = {};
            load_floats(columns.type, x + i*ggml_type_size(columns.type), floats, std::min<int64_t>(LANES, columns.n - i));
            const lanes x0 = load_lanes(floats);
            for (int r = 0; r < n_y; ++r) {
                add_product(xy[r], x0, load_lanes(y + r*n_y_row + i));
            }
        }
        float four[4];
        sum_four(xy, four);
        for (int r = 0; r < n_y; ++r) {
            sums[r][at] += four[r];
        }
    }
}

// whether 64 cells hold consecutive positions, from a multiple of 64 on, or are empty: the usual case, and the fast one
static inline bool is_aligned_run(const int32_t * positions) {
    int32_t differs = positions[0] & (CELLS - 1);
#pragma omp simd reduction(|:differs)
    for (int i = 0; i < CELLS; ++i) {
        differs |= positions[i] < 0 ? 0 : positions[i] ^ (positions[0] + i);
    }
    return differs == 0 && positions[0] >= 0;
}

// two words for each of 64 cells, for keys and for values to which something is added; empty cells
// (position -1) get arbitrary words
static inline void draw_pairs(const noise_key & noise, uint32_t what_for, const int32_t * positions, uint32_t * w0, uint32_t * w1) {
    counter_words words;
    uint32_t first[LANES];
    if (is_aligned_run(positions)) {
        for (int half = 0; half < 2; ++half) {
#pragma omp simd
            for (int l = 0; l < LANES; ++l) {
                first[l] = random_rotate_pair_counter((uint32_t) positions[0] + 32*half) + l;
            }
            words.draw(noise, what_for, first);
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
        words.draw(noise, what_for, first);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            random_rotate_choose_pair((uint32_t) positions[i + l], words.word[0][l], words.word[1][l], words.word[2][l],
                words.word[3][l], w0[i + l], w1[i + l]);
        }
    }
}

// one word for each of 64 cells, for values
static inline void draw_singles(const noise_key & noise, const int32_t * positions, uint32_t * w) {
    counter_words words;
    uint32_t first[LANES];
    if (is_aligned_run(positions)) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            first[l] = random_rotate_quad_counter((uint32_t) positions[0]) + l;
        }
        words.draw(noise, RANDOM_ROTATE_FOR_VALUES, first);
        memcpy(w, words.word, sizeof(words.word));
        return;
    }
    for (int i = 0; i < CELLS; i += LANES) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            first[l] = random_rotate_quad_counter((uint32_t) positions[i + l]);
        }
        words.draw(noise, RANDOM_ROTATE_FOR_VALUES, first);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            w[i + l] = random_rotate_choose_single((uint32_t) positions[i + l], words.word[0][l], words.word[1][l],
                words.word[2][l], words.word[3][l]);
        }
    }
}
