// Numbers in 16 lanes, and sums of them that stay in registers.
//
// gcc 12 keeps a vector that is wider than a register in memory, and loads and stores it again at every addition. So lanes consist
// of vectors that are as wide as a register. If more sums are needed than there are registers, a loop handles only one of these
// vectors ("part") at a time: all widths add the same numbers in the same order.

#pragma once

#include "random-rotate-lanes.h"

#if defined(__SSE3__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

static constexpr int LANES = RANDOM_ROTATE_LANES;

#if defined(__AVX512F__)
#define RANDOM_ROTATE_REGISTER 16 // floats
#elif defined(__AVX__)
#define RANDOM_ROTATE_REGISTER 8
#else
#define RANDOM_ROTATE_REGISTER 4
#endif

static constexpr int REGISTER = RANDOM_ROTATE_REGISTER;
static constexpr int PARTS    = LANES/REGISTER;

typedef float packed __attribute__((vector_size(REGISTER*sizeof(float))));

struct lanes {
    packed part[PARTS];
};

static inline packed load_packed(const float * x) {
    packed v;
    memcpy(&v, x, sizeof(v));
    return v;
}

// the first n numbers, followed by zeros; none if n < 1, all if n is large
static inline packed load_packed(const float * x, int64_t n) {
    if (n >= REGISTER) {
        return load_packed(x);
    }
    packed v = {};
    memcpy(&v, x, std::max<int64_t>(n, 0)*sizeof(float));
    return v;
}

static inline lanes load_lanes(const float * x) {
    lanes v;
    for (int part = 0; part < PARTS; ++part) {
        v.part[part] = load_packed(x + part*REGISTER);
    }
    return v;
}

// the first n numbers, followed by zeros
static inline lanes load_lanes(const float * x, int64_t n) {
    lanes v;
    for (int part = 0; part < PARTS; ++part) {
        v.part[part] = load_packed(x + part*REGISTER, n - part*REGISTER);
    }
    return v;
}

static inline void store_lanes(const lanes & v, float * y) {
    for (int part = 0; part < PARTS; ++part) {
        memcpy(y + part*REGISTER, &v.part[part], sizeof(packed));
    }
}

// sum += a
static inline void add(lanes & sum, const lanes & a) {
    for (int part = 0; part < PARTS; ++part) {
        sum.part[part] += a.part[part];
    }
}

// sum += a b
static inline void add_product(lanes & sum, const lanes & a, const lanes & b) {
    for (int part = 0; part < PARTS; ++part) {
        sum.part[part] += a.part[part]*b.part[part];
    }
}

static inline void add_product(lanes & sum, float a, const lanes & b) {
    for (int part = 0; part < PARTS; ++part) {
        sum.part[part] += a*b.part[part];
    }
}

typedef float four_lanes __attribute__((vector_size(4*sizeof(float))));

// adds halves, then halves of those, so that few additions wait for the one before
static inline four_lanes to_four(const lanes & v) {
    static_assert(LANES == 16, "adds 16 lanes");
#if RANDOM_ROTATE_REGISTER == 4
    return (v.part[0] + v.part[2]) + (v.part[1] + v.part[3]);
#else
    typedef float eight_lanes __attribute__((vector_size(8*sizeof(float))));
#if RANDOM_ROTATE_REGISTER == 8
    const eight_lanes eight = v.part[0] + v.part[1];
#else
    eight_lanes halves[2];
    memcpy(halves, &v, sizeof(halves));
    const eight_lanes eight = halves[0] + halves[1];
#endif
    four_lanes quarters[2];
    memcpy(quarters, &eight, sizeof(quarters));
    return quarters[0] + quarters[1];
#endif
}

static inline float sum(const lanes & v) {
    const four_lanes four = to_four(v);
    return (four[0] + four[1]) + (four[2] + four[3]);
}

// four sums at once, at half the cost
static inline void sum_four(const lanes * v, float * y) {
#if defined(__SSE3__)
    const __m128 a = _mm_hadd_ps((__m128) to_four(v[0]), (__m128) to_four(v[1]));
    const __m128 b = _mm_hadd_ps((__m128) to_four(v[2]), (__m128) to_four(v[3]));
    _mm_storeu_ps(y, _mm_hadd_ps(a, b));
#else
    for (int i = 0; i < 4; ++i) {
        y[i] = sum(v[i]);
    }
#endif
}

static inline float dot(const float * a, const float * b, int64_t d) {
    lanes ab = {};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        add_product(ab, load_lanes(a + i), load_lanes(b + i));
    }
    if (i < d) {
        add_product(ab, load_lanes(a + i, d - i), load_lanes(b + i, d - i));
    }
    return sum(ab);
}

// x.x and the sum of x
static inline void square_and_sum(const float * x, int64_t d, lanes & xx, lanes & x1) {
    xx = {};
    x1 = {};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        const lanes v = load_lanes(x + i);
        add_product(xx, v, v);
        add(x1, v);
    }
    if (i < d) {
        const lanes v = load_lanes(x + i, d - i);
        add_product(xx, v, v);
        add(x1, v);
    }
}

static inline void square_and_sum(const float * x, int64_t d, float * square, float * total) {
    lanes xx;
    lanes x1;
    square_and_sum(x, d, xx, x1);
    *square = sum(xx);
    *total  = sum(x1);
}

// the same for four x, [d, 4]; totals may be nullptr
static inline void square_and_sum_four(const float * x, int64_t d, float * squares, float * totals) {
    lanes xx[4];
    lanes x1[4];
    for (int r = 0; r < 4; ++r) {
        square_and_sum(x + r*d, d, xx[r], x1[r]);
    }
    sum_four(xx, squares);
    if (totals) {
        sum_four(x1, totals);
    }
}
