// V: the noise of a row whose cells have been summed up; the formulas are in random-rotate-attend.h

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

static inline double precise_dot(const float * a, const float * b, int64_t d) {
    double sum = 0.0;
    for (int64_t i = 0; i < d; ++i) {
        sum += (double) a[i]*b[i];
    }
    return sum;
}

// y += w u, u = the part of g orthogonal to v, or all of it, over its length
static inline void add_direction(const float * v, float * g, int64_t d, bool whole, double w, float * y) {
    const double vv = precise_dot(v, v, d);
    for (int twice = 0; twice < 2 && !whole; ++twice) { // a second time where little remains, as for d = 2
        const double along = precise_dot(g, v, d)/vv;
        for (int64_t i = 0; i < d; ++i) {
            g[i] -= (float) (along*v[i]);
        }
    }
    const double uu = precise_dot(g, g, d);
    for (int64_t i = 0; i < d && uu > 0.0; ++i) {
        y[i] += (float) (w/sqrt(uu)*g[i]);
    }
}

// fields: of all chunks together; v: the heaviest value; g: scratch; all [d] but fields
static inline void add_noise(const noise_key & noise, float * fields, const float * v, float * g, int64_t d, float * y) {
    const double heaviest = fields[RANDOM_ROTATE_PART_HEAVIEST];
    const float  scale    = random_rotate_rest_scale(noise.reference, fields[RANDOM_ROTATE_PART_REST], (float) d);
    if (noise.reference) {
        double ones = 0.5*fields[RANDOM_ROTATE_PART_LEAN];
        if (heaviest > 0.0) {
            // what stood for it in the sums goes, as it comes whole
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
