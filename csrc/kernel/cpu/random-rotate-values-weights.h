// V: the factor for each value, and what it adds to the noise of a row; the formulas are in random-rotate-attend.h

#pragma once

#include "random-rotate-cells.h"
#include "random-rotate-values-plan.h"

// the positions and the measured values of a block of cells
struct value_block {
    int64_t cell;
    int64_t n;                   // number of cells; the arrays are padded to a multiple of 64
    int32_t position[CHUNK];
    float   norm    [CHUNK];
    float   lean    [CHUNK]; // s1(v)/|v|

    int64_t n_padded() const { return GGML_PAD(n, CELLS); }
};

// Sums per lane, and the cell with the largest weight. Floats that are not negative are ordered like their bits, and every
// processor has minimum and maximum for integers.
struct heaviest_and_rest {
    int32_t heaviest[LANES] = {}; // bits
    int32_t cell    [LANES] = {};
    float   rest    [LANES] = {};
    float   lean    [LANES] = {};

    // a >= 0
    void add(int l, float a, int32_t at) {
        const int32_t bits = (int32_t) random_rotate_as_bits(a);
        const float   less = random_rotate_as_float((uint32_t) std::min(heaviest[l], bits));
        cell    [l]  = bits > heaviest[l] ? at : cell[l];
        rest    [l] += less*less;
        lean    [l] += a;
        heaviest[l]  = std::max(heaviest[l], bits);
    }

    void add_to(float * part) const {
        for (int l = 0; l < LANES; ++l) {
            random_rotate_add_part(part, random_rotate_as_float((uint32_t) heaviest[l]), (float) cell[l], rest[l], lean[l]);
        }
    }
};

// p: weights of a row; y: the factor for each value; p and y may be the same
template <bool reference, bool uniform, bool small>
static void weigh_turned(const noise_key & noise, const value_block & v, int64_t d, const float * p, float * y, float * fields) {
    const random_rotate_shares shares = random_rotate_shares_of(noise);

    heaviest_and_rest sums;
    for (int32_t i = 0; i < (int32_t) v.n; i += CELLS) {
        uint32_t word[CELLS];
        draw_singles(noise, v.position + i, word);
        for (int32_t j = 0; j < CELLS; j += LANES) {
            const int32_t first = (int32_t) v.cell + i + j;
#pragma omp simd
            for (int32_t l = 0; l < LANES; ++l) {
                const int32_t at = i + j + l;

                float sine;
                float cosine;
                if (small) {
                    random_rotate_quarter(random_rotate_uniform_up_to(noise.theta_max*RANDOM_ROTATE_QUARTERS, word[j + l]), sine, cosine);
                } else {
                    const float u = random_rotate_uniform(word[j + l]);
                    random_rotate_sin_cos(noise.theta_max*(uniform ? u : random_rotate_share(shares, u)), sine, cosine);
                }
                float weight;
                y[at] = random_rotate_weigh(sine, cosine, reference, (float) d, v.position[at] >= noise.n_sink, p[at],
                    v.norm[at], v.lean[at], weight);
                sums.add(l, weight, first + l);
            }
        }
    }
    sums.add_to(fields);
}

static void weigh_added(const noise_key & noise, const value_block & v, int64_t d, const float * p, float * y, float * fields) {
    const float power = random_rotate_power((int32_t) d);
    const random_rotate_shares shares = random_rotate_shares_of(noise);

    heaviest_and_rest sums;
    for (int64_t i = 0; i < v.n; i += CELLS) {
        uint32_t w0[CELLS];
        uint32_t w1[CELLS];
        draw_pairs(noise, RANDOM_ROTATE_FOR_ADDED, v.position + i, w0, w1);
        for (int64_t j = 0; j < CELLS; j += LANES) {
#pragma omp simd
            for (int l = 0; l < LANES; ++l) {
                const int64_t at = i + j + l;

                float weight;
                y[at] = random_rotate_weigh_added(noise, shares, power, w0[j + l], w1[j + l], v.position[at] >= noise.n_sink, p[at], v.norm[at], weight);
                sums.add(l, weight, (int32_t) (v.cell + at));
            }
        }
    }
    sums.add_to(fields);
}

static void weigh(const noise_key & noise, const value_block & v, int64_t d, const float * p, float * y, float * fields) {
    const bool uniform = noise.angle == GGML_RANDOM_ROTATE_UNIFORM;
    const bool small   = noise.theta_max <= RANDOM_ROTATE_SMALL_ANGLE;
    const auto kind = noise.turn != GGML_RANDOM_ROTATE_ROTATION ? weigh_added :
        noise.reference ? (uniform ? weigh_turned<true,  true, false> : weigh_turned<true,  false, false>) :
        !uniform ? weigh_turned<false, false, false> : small ? weigh_turned<false, true, true> : weigh_turned<false, true, false>;
    kind(noise, v, d, p, y, fields);
}
