// The arithmetic of sites K and V: each position turns every cached one that it reads, with one or two scalars per pair instead of
// d normals. Like random-rotate-math.h, it needs no memory, threads or branches, and is compiled by the same kernels.

#pragma once

#include "random-rotate-noise-key.h"

// The four words of a counter serve two cached positions (K) or four (V), such that 16 adjacent cells are adjacent lanes of a
// vector register: positions 32 m + l and 32 m + 16 + l share counter 16 m + l, l < 16; V does the same with 64 and four.
RANDOM_ROTATE_INLINE uint32_t random_rotate_pair_counter(uint32_t position) {
    return (position >> 5)*16 + (position & 15);
}

RANDOM_ROTATE_INLINE uint32_t random_rotate_quad_counter(uint32_t position) {
    return (position >> 6)*16 + (position & 15);
}

// the two words of a position among the four of its counter
RANDOM_ROTATE_INLINE void random_rotate_choose_pair(uint32_t position, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3,
        RANDOM_ROTATE_OUT(uint32_t) w0, RANDOM_ROTATE_OUT(uint32_t) w1) {
    const bool second = ((position >> 4) & 1) != 0;
    w0 = second ? c2 : c0;
    w1 = second ? c3 : c1;
}

// the word of a position among the four of its counter
RANDOM_ROTATE_INLINE uint32_t random_rotate_choose_single(uint32_t position, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
    const uint32_t low  = ((position >> 4) & 1) != 0 ? c1 : c0;
    const uint32_t high = ((position >> 4) & 1) != 0 ? c3 : c2;
    return ((position >> 5) & 1) != 0 ? high : low;
}

// uniform on (0, most]: 24 bits
RANDOM_ROTATE_INLINE float random_rotate_uniform24(float most, uint32_t bits) {
    return float(int32_t(bits)) * (most*(1.0f/16777216.0f)) + most*(1.0f/33554432.0f);
}

// For one query and one key: a number of Uniform(0, most) for the angle. The other bits of the words are for the point below.
RANDOM_ROTATE_INLINE float random_rotate_score_uniform(float most, uint32_t w0) {
    return random_rotate_uniform24(most, w0 >> 8);
}

// a random direction in a plane, as sine and cosine; returns a number of Uniform(0, 1) for a length
RANDOM_ROTATE_INLINE float random_rotate_score_direction(uint32_t w0, uint32_t w1, RANDOM_ROTATE_OUT(float) sine,
        RANDOM_ROTATE_OUT(float) cosine) {
    random_rotate_circle(w1 >> 14, float(int32_t((w1 << 18) | (1u << 17))) * (1.0f/4294967296.0f), sine, cosine);
    return random_rotate_uniform24(1.0f, ((w0 & 0xffu) << 16) | (w1 >> 16));
}

// For one query and one key: a number of Uniform(0, 1) for the angle, and the first two coordinates of a uniform point on the unit
// sphere in n dimensions: a vector of length sqrt(1 - U^(2/(n - 2))), U ~ Uniform(0, 1), in a uniform direction.
// power: 2/(n - 2), or 1e9 for n = 2, or 0 for n = 1 (then only t1 is valid).
RANDOM_ROTATE_INLINE void random_rotate_score_noise(uint32_t w0, uint32_t w1, float power,
        RANDOM_ROTATE_OUT(float) share, RANDOM_ROTATE_OUT(float) t1, RANDOM_ROTATE_OUT(float) t2) {
    share = random_rotate_score_uniform(1.0f, w0);

    float sine;
    float cosine;
    const float u = random_rotate_score_direction(w0, w1, sine, cosine);

    const float length = random_rotate_sqrt(random_rotate_one_minus_exp(-power*random_rotate_log(u)));
    t1 = power > 0.0f ? length*cosine : (cosine > 0.0f ? 1.0f : -1.0f);
    t2 = length*sine;
}

// the power for n dimensions
RANDOM_ROTATE_INLINE float random_rotate_power(int32_t n) {
    return n == 1 ? 0.0f : n == 2 ? 1e9f : 2.0f/float(n - 2);
}

// K: keys turned as read for the scores. For an angle theta and a direction u orthogonal to the key k:
//
//   q.k' = cos(theta) q.k + sin(theta) |k| (q.u)
//
// isotropic: q.u = |q_perp| t with |k|^2 |q_perp|^2 = |q|^2 |k|^2 - (q.k)^2 and t the first coordinate of a uniform point on
//            the unit sphere in d - 1 dimensions. This is exactly what d normals would give for one query.
// reference: u = g - (g.k/k.k) k divided by its length, g = d numbers from Uniform(0, 1). With s1(x) the sum of a vector's numbers,
//            c = q.k/|k| and z2, z3 standard normals (in place of sums of d uniforms, which are very nearly normal),
//            q.u |u| = (s1(q) - c s1(k)/|k|)/2 + |q_perp| z2/sqrt(12)
//            |u|^2   = d/3 - (s1(k)/|k|)^2/4 - 1/12 + a z2 + b z3, a and b from the covariance of sums of g and of g^2
//
// With r instead of the angle, isotropic g, and t1 and t2 the first two coordinates of a uniform point in d dimensions:
//
// addition:  q.k' = q.k + r |k| |q| t1
// nlerp:     q.k' = (q.k + r (q.k t1 + |k| |q_perp| t2))/sqrt(1 + 2 r t1 + r^2); t1 is along k

struct random_rotate_query {
    float norm;
    float sum;   // s1(q)
    float d;
    float power;       // for d - 1 dimensions, see random_rotate_score_noise
    float power_whole; // for d dimensions
};

RANDOM_ROTATE_INLINE random_rotate_query random_rotate_measured_query(float square, float sum, int32_t d) {
    random_rotate_query q;
    q.norm  = random_rotate_sqrt(square);
    q.sum   = sum;
    q.d     = float(d);
    q.power       = random_rotate_power(d - 1);
    q.power_whole = random_rotate_power(d);
    return q;
}

// t: see above
RANDOM_ROTATE_INLINE float random_rotate_turned_score(random_rotate_query q, float sine, float cosine, float t, float norm, float s) {
    const float largest = q.norm*norm;
    const float square  = (largest - s)*(largest + s);
    return cosine*s + sine*random_rotate_sqrt(square > 0.0f ? square : 0.0f)*t;
}

// turns the score s = q.k; w0, w1: the words of the pair; norm: |k|
RANDOM_ROTATE_INLINE float random_rotate_turn_score(random_rotate_query q, float theta_max, uint32_t w0, uint32_t w1,
        float norm, float s) {
    float share;
    float t;
    float unused;
    random_rotate_score_noise(w0, w1, q.power, share, t, unused);

    float sine;
    float cosine;
    random_rotate_sin_cos(theta_max*share, sine, cosine);
    return random_rotate_turned_score(q, sine, cosine, t, norm, s);
}

// whether a query's scores can be turned with less work: small angles, and heads of 61 numbers or more
RANDOM_ROTATE_INLINE bool random_rotate_is_usual(random_rotate_query q, float theta_max) {
    return theta_max <= RANDOM_ROTATE_SMALL_ANGLE && q.power > 0.0f && q.power <= 0.0346f; // -log(u) is at most 25 log(2)
}

// the same for this case
RANDOM_ROTATE_INLINE float random_rotate_turn_usual_score(random_rotate_query q, float theta_max, uint32_t w0, uint32_t w1,
        float norm, float s) {
    float unused;
    float t;
    const float u = random_rotate_score_direction(w0, w1, unused, t);
    t *= random_rotate_sqrt(random_rotate_one_minus_exp_small(-q.power*random_rotate_log(u)));

    float sine;
    float cosine;
    random_rotate_quarter(random_rotate_score_uniform(theta_max*RANDOM_ROTATE_QUARTERS, w0), sine, cosine);
    return random_rotate_turned_score(q, sine, cosine, t, norm, s);
}

// the same for any kind of isotropic noise
RANDOM_ROTATE_INLINE float random_rotate_turn_score_of_kind(random_rotate_query q, random_rotate_noise_key noise,
        random_rotate_shares shares, uint32_t w0, uint32_t w1, float norm, float s) {
    const bool rotates = noise.turn == GGML_RANDOM_ROTATE_ROTATION;

    float u;
    float t1;
    float t2;
    random_rotate_score_noise(w0, w1, rotates ? q.power : q.power_whole, u, t1, t2);
    const float r = noise.theta_max*random_rotate_share(shares, u);

    float sine;
    float cosine;
    random_rotate_sin_cos(r, sine, cosine);

    const float largest = q.norm*norm;
    const float square  = (largest - s)*(largest + s);
    const float perp    = random_rotate_sqrt(square > 0.0f ? square : 0.0f);

    const float turned = cosine*s + sine*perp*t1;
    const float added  = s + r*largest*t1;
    const float nlerp  = (s + r*(s*t1 + perp*t2))/random_rotate_added_length(r, t1);
    return rotates ? turned : noise.turn == GGML_RANDOM_ROTATE_ADDITION ? added : nlerp;
}

// the same under reference noise, for the angle r; w1, w2: words of the counter whose first word is the position; lean: s1(k)/|k|
RANDOM_ROTATE_INLINE float random_rotate_turn_score_reference(random_rotate_query q, float r, uint32_t w1, uint32_t w2, float norm,
        float lean, float s) {
    float z2;
    float z3;
    random_rotate_normals(w1, w2, z2, z3);

    float sine;
    float cosine;
    random_rotate_sin_cos(r, sine, cosine);

    const float c      = norm > 0.0f ? s/norm : 0.0f;
    const float along  = q.sum - c*lean;                          // (1.q_perp) |q_perp|
    const float square = (q.norm - c)*(q.norm + c);
    const float perp   = random_rotate_sqrt(square > 0.0f ? square : 0.0f);
    const float tau    = perp > 1e-6f*q.norm ? along/perp : 0.0f; // component of the vector of ones along q_perp
    const float others = q.d - lean*lean - tau*tau;               // squared component along neither k nor q_perp
    const float mean   = q.d*(1.0f/3) - lean*lean*0.25f - 1.0f/12;
    const float spread = random_rotate_sqrt((others > 0.0f ? others : 0.0f)*(1.0f/12) + q.d*(1.0f/180));
    const float uu     = mean + 0.288675135f*tau*z2 + spread*z3;
    const float floor  = 0.05f*q.d*(1.0f/3);                      // far below what d numbers give
    const float qu     = 0.5f*along + 0.288675135f*perp*z2;

    return cosine*s + sine*norm*qu/random_rotate_sqrt(uu > floor ? uu : floor);
}

// V: values turned as read for the output. For weights p_j, angles theta_j and directions u_j orthogonal to the values v_j:
//
//   sum p_j v'_j = sum p_j cos(theta_j) v_j + sum w_j u_j,  w_j = p_j sin(theta_j) |v_j|
//
// isotropic: the largest w_j u_j is drawn exactly. The others add up to very nearly a normal vector of variance
//            (sum w_j^2)/d in each component: the squared length is exact, the component that is missing along each v_j is spread.
// reference: u_j is g - (g.v_j/v_j.v_j) v_j divided by its length, g = d numbers from Uniform(0, 1): half the vector of ones
//            without its component along v_j, plus d centred numbers of variance 1/12. With s1(v) the sum of a vector's numbers,
//            m_j = d/3 - (s1(v_j)/|v_j|)^2/4 - 1/12 the mean of the squared length, and a_j = w_j/sqrt(m_j),
//            sum w_j u_j = sum a_j/2 (1 - s1(v_j)/|v_j|^2 v_j) + a normal vector of variance (sum a_j^2)/12 (d - 1)/d
//
// With r_j instead of the angles, and t_j the component of an isotropic g_j/|g_j| along v_j:
//
// addition:  sum p_j v_j + sum w_j g_j/|g_j|, w_j = p_j r_j |v_j|
// nlerp:     a rotation whose cosine is (1 + r_j t_j)/l_j and whose sine is r_j sqrt(1 - t_j^2)/l_j, l_j = sqrt(1 + 2 r_j t_j + r_j^2)

// the sums of a row
#define RANDOM_ROTATE_PART_HEAVIEST 0 // largest w_j (a_j for reference noise)
#define RANDOM_ROTATE_PART_CELL     1 // the cell that it belongs to, as a float: exact below 2^24
#define RANDOM_ROTATE_PART_REST     2 // sum of the squares of the others
#define RANDOM_ROTATE_PART_LEAN     3 // sum of all a_j
#define RANDOM_ROTATE_PART_SIZE     4

// mean of the squared length of g without its component along a value with the given lean, at least as large as g allows
RANDOM_ROTATE_INLINE float random_rotate_mean_square(float d, float lean) {
    const float mean = d*(1.0f/3) - lean*lean*0.25f - 1.0f/12;
    const float least = d*(1.0f/60);
    return mean > least ? mean : least;
}

// For a cell with the weight p, turned by an angle with the given sine and cosine: returns the factor for its value, and sets
// weight to w_j or a_j. turns: whether the cell holds a position that is turned.
RANDOM_ROTATE_INLINE float random_rotate_weigh(float sine, float cosine, int32_t reference, float d, bool turns, float p, float norm,
        float lean, RANDOM_ROTATE_OUT(float) weight) {
    sine   = turns ? sine   : 0.0f;
    cosine = turns ? cosine : 1.0f;

    const float along = p*random_rotate_abs(sine);
    const float scale = reference != 0 ? 1.0f/random_rotate_sqrt(random_rotate_mean_square(d, lean)) : 1.0f;

    weight = along*norm*scale;
    return p*cosine - (reference != 0 ? 0.5f*along*scale*lean : 0.0f);
}

// The same for a value to which something is added. w0, w1: the words of the pair; power: for d dimensions.
RANDOM_ROTATE_INLINE float random_rotate_weigh_added(random_rotate_noise_key noise, random_rotate_shares shares, float power,
        uint32_t w0, uint32_t w1, bool turns, float p, float norm, RANDOM_ROTATE_OUT(float) weight) {
    float u;
    float t;
    float unused;
    random_rotate_score_noise(w0, w1, power, u, t, unused);
    const float r = turns ? noise.theta_max*random_rotate_share(shares, u) : 0.0f;

    const bool  grows  = noise.turn == GGML_RANDOM_ROTATE_ADDITION;
    const float length = grows ? 1.0f : random_rotate_added_length(r, t);
    const float along  = grows ? 0.0f : r*t;
    const float square = grows ? 1.0f : (1.0f - t)*(1.0f + t);

    weight = p*r*random_rotate_sqrt(square > 0.0f ? square : 0.0f)/length*norm;
    return p*(1.0f + along)/length;
}

// standard deviation of each component of the sum of the others; rest: the sum of their squares
RANDOM_ROTATE_INLINE float random_rotate_rest_scale(int32_t reference, float rest, float d) {
    return random_rotate_sqrt(rest/d * (reference != 0 ? (d - 1.0f)*(1.0f/12) : 1.0f));
}

// adds the sums of other cells of a row to a part
RANDOM_ROTATE_INLINE void random_rotate_add_part(RANDOM_ROTATE_ARRAY(float, part, RANDOM_ROTATE_PART_SIZE), float heaviest, float cell, float rest, float lean) {
    const bool  more = heaviest > part[RANDOM_ROTATE_PART_HEAVIEST];
    const float less = more ? part[RANDOM_ROTATE_PART_HEAVIEST] : heaviest;

    part[RANDOM_ROTATE_PART_REST] += rest + less*less;
    part[RANDOM_ROTATE_PART_LEAN] += lean;
    part[RANDOM_ROTATE_PART_CELL]     = more ? cell     : part[RANDOM_ROTATE_PART_CELL];
    part[RANDOM_ROTATE_PART_HEAVIEST] = more ? heaviest : part[RANDOM_ROTATE_PART_HEAVIEST];
}
