// Dot products of vectors with the rows of a cache. A row is read once for all vectors and for its own square.

#pragma once

#include "random-rotate-cells.h"

// rows of a cache, at most 64
struct cache_rows {
    ggml_type    type;   // F32, or F16 if the processor can load it
    const char * at;
    size_t       stride; // bytes
    int64_t      n;
    int64_t      d;
};

static inline bool can_dot(ggml_type type) {
#ifdef RANDOM_ROTATE_LOADS_HALVES
    return type == GGML_TYPE_F32 || type == GGML_TYPE_F16;
#else
    return type == GGML_TYPE_F32;
#endif
}

// 16 numbers, or the first n followed by zeros
template <typename number>
static inline lanes load_cached(const number * x, int64_t n) {
    if (n >= LANES) {
        lanes v;
        for (int part = 0; part < PARTS; ++part) {
            v.part[part] = load_packed(x + part*REGISTER);
        }
        return v;
    }
    float floats[LANES] = {};
    load_floats(sizeof(number) == sizeof(float) ? GGML_TYPE_F32 : GGML_TYPE_F16, x, floats, n);
    return load_lanes(floats);
}

// y: see below
template <typename number, int n_x, bool squares>
static void dot_rows(const cache_rows & rows, const float * const * x, float (* y)[CELLS]) {
    static_assert(n_x + squares <= 4, "there are registers for four sums");

    for (int64_t j = 0; j < rows.n; ++j) {
        const number * row = (const number *) (rows.at + j*rows.stride);

        lanes sums[4] = {};
        for (int64_t i = 0; i + LANES <= rows.d; i += LANES) {
            const lanes v = load_cached(row + i, LANES);
            for (int r = 0; r < n_x; ++r) {
                add_product(sums[r], v, load_lanes(x[r] + i));
            }
            if (squares) {
                add_product(sums[n_x], v, v);
            }
        }
        const int64_t rest = rows.d % LANES;
        if (rest > 0) {
            const lanes v = load_cached(row + rows.d - rest, rest);
            for (int r = 0; r < n_x; ++r) {
                add_product(sums[r], v, load_lanes(x[r] + rows.d - rest, rest));
            }
            if (squares) {
                add_product(sums[n_x], v, v);
            }
        }
        float four[4];
        sum_four(sums, four);
        for (int r = 0; r < n_x + squares; ++r) {
            y[r][j] = four[r];
        }
    }
    for (int64_t j = rows.n; j < CELLS; ++j) {
        for (int r = 0; r < n_x + squares; ++r) {
            y[r][j] = 0.0f;
        }
    }
}

template <typename number>
static void dot_rows(const cache_rows & rows, const float * const * x, int n_x, bool squares, float (* y)[CELLS]) {
    const auto dot = squares ? (n_x == 3 ? dot_rows<number, 3, true> : n_x == 2 ? dot_rows<number, 2, true> :
                                           dot_rows<number, 1, true>) :
                               (n_x == 4 ? dot_rows<number, 4, false> : n_x == 3 ? dot_rows<number, 3, false> :
                                n_x == 2 ? dot_rows<number, 2, false> : dot_rows<number, 1, false>);
    dot(rows, x, y);
}

// y[r][j]: x_r.row_j for n_x vectors, followed by row_j.row_j with "squares"; at most four in all; y:
// [4, 64], zeros after the last row
static inline void dot_rows(const cache_rows & rows, const float * const * x, int n_x, bool squares, float (* y)[CELLS]) {
#ifdef RANDOM_ROTATE_LOADS_HALVES
    if (rows.type == GGML_TYPE_F16) {
        dot_rows<ggml_fp16_t>(rows, x, n_x, squares, y);
        return;
    }
#endif
    dot_rows<float>(rows, x, n_x, squares, y);
}

template <typename number>
static void sum_rows(const cache_rows & rows, float * y) {
    for (int64_t j = 0; j < rows.n; ++j) {
        const number * row = (const number *) (rows.at + j*rows.stride);
        lanes total = {};
        for (int64_t i = 0; i < rows.d; i += LANES) {
            add(total, load_cached(row + i, rows.d - i));
        }
        y[j] = sum(total);
    }
}

// y: [64], the sum of the numbers of each row
static inline void sum_rows(const cache_rows & rows, float * y) {
#ifdef RANDOM_ROTATE_LOADS_HALVES
    if (rows.type == GGML_TYPE_F16) {
        sum_rows<ggml_fp16_t>(rows, y);
        return;
    }
#endif
    sum_rows<float>(rows, y);
}
