// V: the noise of a row whose cells have been summed; the formulas are in random-rotate-attend.h

#pragma once

#include "random-rotate-attend.h"
#include "random-rotate-draw.h"

// d numbers for a row
static inline void draw_row(const noise_key & noise, uint32_t what_for, bool uniform, float * g, int64_t d) {
    float group[GROUP];
    for (int64_t i = 0; i < d; i += GROUP) {
        draw_group(noise, what_for, uniform, (uint32_t) (i/GROUP), group);
        memcpy(g + i, group, std::min<int64_t>(GROUP, d - i)*sizeof(float));
    }
}

typedef double four_doubles __attribute__((vector_size(4*sizeof(double))));

static inline four_doubles load_doubles(const float * x) {
    four_lanes v;
    memcpy(&v, x, sizeof(v));
    return __builtin_convertvector(v, four_doubles);
}

static inline double precise_dot(const float * a, const float * b, int64_t d) {
    four_doubles sums[2] = {};
    int64_t i = 0;
    for (; i + 8 <= d; i += 8) {
        sums[0] += load_doubles(a + i)*load_doubles(b + i);
        sums[1] += load_doubles(a + i + 4)*load_doubles(b + i + 4);
    }
    sums[0] += sums[1];
    double sum = (sums[0][0] + sums[0][1]) + (sums[0][2] + sums[0][3]);
    for (; i < d; ++i) {
        sum += (double) a[i]*b[i];
    }
    return sum;
}

// g -= a v; returns g.g
static inline double subtract_precisely(const float * v, float * g, int64_t d, double a) {
    for (int64_t i = 0; i < d; ++i) {
        g[i] -= (float) (a*v[i]);
    }
    return precise_dot(g, g, d);
}

// y += w u, u = g or, unless whole, the part of g orthogonal to v, divided by its length
static inline void add_direction(const float * v, float * g, int64_t d, bool whole, double w, float * y) {
    double uu;
    if (whole) {
        uu = precise_dot(g, g, d);
    } else {
        const double vv = precise_dot(v, v, d);
        const double gv = precise_dot(g, v, d);
        uu = subtract_precisely(v, g, d, gv/vv);
        if (random_rotate_orthogonality((float) uu, (float) (gv/vv), (float) gv) != RANDOM_ROTATE_ORTHOGONAL) { // for example for d = 2
            uu = subtract_precisely(v, g, d, precise_dot(g, v, d)/vv);
        }
    }
    if (uu > 0.0) {
        const double scale = w/sqrt(uu);
        for (int64_t i = 0; i < d; ++i) {
            y[i] += (float) (scale*g[i]);
        }
    }
}

// fields: the sums of all chunks; v: the value with the largest weight; g: scratch; all [d] except fields
static inline void add_noise(const noise_key & noise, float * fields, const float * v, float * g, int64_t d, float * y) {
    const double heaviest = fields[RANDOM_ROTATE_PART_HEAVIEST];
    const float  scale    = random_rotate_rest_scale(noise.reference, fields[RANDOM_ROTATE_PART_REST], (float) d);
    if (noise.reference) {
        double ones = 0.5*fields[RANDOM_ROTATE_PART_LEAN];
        if (heaviest > 0.0) {
            // removes its share of the sums, because it is drawn in full below
            float square;
            float sum;
            square_and_sum(v, d, &square, &sum);
            ones -= 0.5*heaviest;
            for (int64_t i = 0; i < d; ++i) {
                y[i] += (float) (0.5*heaviest*sum/square*v[i]);
            }
            draw_row(noise, RANDOM_ROTATE_FOR_HEAVIEST, true, g, d);
            add_direction(v, g, d, false, heaviest*sqrtf(random_rotate_mean_square((float) d, sum/sqrtf(square))), y);
        }
        for (int64_t i = 0; i < d; ++i) {
            y[i] += (float) ones;
        }
    } else if (heaviest > 0.0) {
        draw_row(noise, RANDOM_ROTATE_FOR_HEAVIEST, false, g, d);
        add_direction(v, g, d, noise.turn == GGML_RANDOM_ROTATE_ADDITION, heaviest, y);
    }
    draw_row(noise, RANDOM_ROTATE_FOR_REST, false, g, d);
    for (int64_t i = 0; i < d; ++i) {
        y[i] += scale*g[i];
    }
}
