// V: values turned as the output reads them. With weights p_j, angles theta_j and directions u_j orthogonal to the values v_j,
//
//   sum p_j v'_j = sum p_j cos(theta_j) v_j + sum w_j u_j,  w_j = p_j sin(theta_j) |v_j|
//
// isotropic: the heaviest w_j u_j is drawn as it is. The others add up to very nearly a normal vector of variance
//            (sum w_j^2)/d in each component: the squared length is exact, the part that is missing along each v_j is spread.
// reference: u_j is g - (g.v_j/v_j.v_j) v_j over its length, g = d numbers from Uniform(0, 1): one half of the ones vector
//            without its part along v_j, and d centred numbers of variance 1/12. So with s1(v) the sum of a vector's numbers,
//            m_j = d/3 - (s1(v_j)/|v_j|)^2/4 - 1/12 the mean of the squared length, and a_j = w_j/sqrt(m_j),
//            sum w_j u_j = sum a_j/2 (1 - s1(v_j)/|v_j|^2 v_j) + a normal vector of variance (sum a_j^2)/12 (d - 1)/d

#pragma once

#include "random-rotate-draw.h"

// what is summed up of a row
enum part_fields {
    PART_HEAVIEST = 0, // largest w_j (a_j for reference noise)
    PART_CELL     = 1, // whose; as a float: exact below 2^24
    PART_REST     = 2, // sum of the squares of the others
    PART_LEAN     = 3, // sum of all a_j
};

// mean of the squared length of g without its part along a value whose lean is given, and not less than g can have
static inline float mean_square(float d, float lean) {
    const float mean = d*(1.0f/3) - lean*lean*0.25f - 1.0f/12;
    return std::max(mean, d*(1.0f/60));
}

// d numbers for a row
static inline void draw_row(const asking & ask, uint32_t what_for, bool uniform, float * g, int64_t d) {
    float group[GROUP];
    for (int64_t i = 0; i < d; i += GROUP) {
        draw_group(ask, what_for, uniform, (uint32_t) (i/GROUP), group);
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

// y += w u, u = the part of g orthogonal to v, over its length
static inline void add_direction(const float * v, float * g, int64_t d, double w, float * y) {
    const double vv = precise_dot(v, v, d);
    for (int twice = 0; twice < 2; ++twice) { // a second time where little remains, as for d = 2
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
static inline void add_noise(const asking & ask, float * fields, const float * v, float * g, int64_t d, float * y) {
    const double heaviest = fields[PART_HEAVIEST];
    double variance = (double) fields[PART_REST]/d;
    if (ask.reference) {
        variance *= (double) (d - 1)/12;
        double ones = 0.5*fields[PART_LEAN];
        if (heaviest > 0.0) {
            // what stood for it in the sums goes, as it comes whole
            float square;
            float sum;
            square_and_sum(v, d, &square, &sum);
            ones -= 0.5*heaviest;
            for (int64_t i = 0; i < d; ++i) {
                y[i] += (float) (0.5*heaviest*sum/square*v[i]);
            }
            draw_row(ask, RANDOM_ROTATE_FOR_HEAVIEST, true, g, d);
            add_direction(v, g, d, heaviest*sqrtf(mean_square((float) d, sum/sqrtf(square))), y);
        }
        for (int64_t i = 0; i < d; ++i) {
            y[i] += (float) ones;
        }
    } else if (heaviest > 0.0) {
        draw_row(ask, RANDOM_ROTATE_FOR_HEAVIEST, false, g, d);
        add_direction(v, g, d, heaviest, y);
    }
    draw_row(ask, RANDOM_ROTATE_FOR_REST, false, g, d);
    for (int64_t i = 0; i < d; ++i) {
        y[i] += (float) sqrt(variance)*g[i];
    }
}
