// The arithmetic of a random rotation, free of memory and threads: counters, integers, uniforms, normals.
// Everything is branch-free, so that a loop over lanes that calls it is vectorised by the compiler.

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

// what fits into the fields of a counter
#define RANDOM_ROTATE_MAX_HEADS  (1 << 18)
#define RANDOM_ROTATE_MAX_LAYERS (1 << 10)
#define RANDOM_ROTATE_MAX_SITES  (1 << 4)

// Normals come in groups: 16 consecutive counters give 64 numbers, and number i of a row stands in word (i%64)/16 of
// counter 1 + 16*(i/64) + i%16. So neighbours in a row are neighbours in a vector register. Counter 0 gives the angle.
#define RANDOM_ROTATE_GROUP 64

// Philox4x32-10. J. Salmon, M. Moraes, R. Dror, D. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
#define PHILOX_ROUNDS 10
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u

// the upper half of a product; written like this, compilers know it as one vector operation
static inline uint32_t philox_mul_hi(uint32_t a, uint32_t b) {
    return (uint32_t) (((uint64_t) a * b) >> 32);
}

static inline void philox4x32_round(uint32_t * c0, uint32_t * c1, uint32_t * c2, uint32_t * c3, uint32_t k0, uint32_t k1) {
    const uint32_t hi0 = philox_mul_hi(PHILOX_M0, *c0);
    const uint32_t hi1 = philox_mul_hi(PHILOX_M1, *c2);
    const uint32_t lo0 = PHILOX_M0 * *c0;
    const uint32_t lo1 = PHILOX_M1 * *c2;

    *c0 = hi1 ^ *c1 ^ k0;
    *c1 = lo1;
    *c2 = hi0 ^ *c3 ^ k1;
    *c3 = lo0;
}

// which layer, site and head a number is for, packed into one word of the counter
static inline uint32_t random_rotate_place(int32_t layer, int32_t site, int32_t head) {
    return (uint32_t) head | ((uint32_t) layer << 18) | ((uint32_t) site << 28);
}

// uniform on (0, 1]: 31 bits, the smallest is 2^-32
static inline float random_rotate_uniform(uint32_t bits) {
    return (float) (int32_t) (bits >> 1) * 0x1p-31f + 0x1p-32f;
}

// natural logarithm of 2^-32 <= x <= 1, relative error below 2^-22: the mantissa goes to [sqrt(1/2), sqrt(2)), then
// log(1 + t) = t - t^2/2 + t^3 P(t) with P of degree 6, fitted by least squares at Chebyshev nodes
static inline float random_rotate_log(float x) {
    const uint32_t sqrt_half = 0x3f3504f3u;

    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));

    const uint32_t shifted  = bits - sqrt_half;
    const int32_t  exponent = (int32_t) shifted >> 23;
    const uint32_t mantissa = (shifted & 0x007fffffu) + sqrt_half;

    float t;
    memcpy(&t, &mantissa, sizeof(t));
    t -= 1.0f;

    float p = 8.654275121e-02f;
    p = p*t - 1.425447615e-01f;
    p = p*t + 1.492588287e-01f;
    p = p*t - 1.657981353e-01f;
    p = p*t + 1.996213223e-01f;
    p = p*t - 2.500124446e-01f;
    p = p*t + 3.333393726e-01f;

    return (float) exponent * 0.693147180559945f + (t - t*t*(0.5f - t*p));
}

static inline float random_rotate_flip_sign(float x, uint32_t sign) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    bits ^= sign << 31;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

// sine and cosine of quarter*pi/2 + r*pi/2, |r| <= 1/2; only the two lowest bits of quarter count
static inline void random_rotate_circle(uint32_t quarter, float r, float * sine, float * cosine) {
    const float r2 = r*r;

    // sin(pi/2 r) and cos(pi/2 r), absolute error about 2^-23
    float s = -4.602163105e-03f;
    s = s*r2 + 7.968022286e-02f;
    s = s*r2 - 6.459634782e-01f;
    s = s*r2 + 1.570796322e+00f;
    s = s*r;

    float c = -2.040825547e-02f;
    c = c*r2 + 2.535986077e-01f;
    c = c*r2 - 1.233697011e+00f;
    c = c*r2 + 9.999999724e-01f;

    const float a = (quarter & 1) ? s : c;
    const float b = (quarter & 1) ? c : s;

    *cosine = random_rotate_flip_sign(a, (quarter >> 1) ^ (quarter & 1));
    *sine   = random_rotate_flip_sign(b,  quarter >> 1);
}

// two independent standard normals from two words (Box and Muller 1958): the radius from the first word; from the second,
// the top two bits choose a quarter of the circle and the other thirty an angle around its axis
static inline void random_rotate_normals(uint32_t w0, uint32_t w1, float * n0, float * n1) {
    const float radius = sqrtf(-2.0f * random_rotate_log(random_rotate_uniform(w0)));

    float sine;
    float cosine;
    random_rotate_circle(w1 >> 30, (float) (int32_t) (w1 << 2) * 0x1p-32f, &sine, &cosine);

    *n0 = radius * cosine;
    *n1 = radius * sine;
}

// sine and cosine of 0 <= theta <= 1e6 (larger angles are cut there)
static inline void random_rotate_sin_cos(float theta, float * sine, float * cosine) {
    const float turns   = (theta < 1e6f ? theta : 1e6f) * 0.636619772f;
    const int32_t quarter = (int32_t) (turns + 0.5f);
    random_rotate_circle((uint32_t) quarter, turns - (float) quarter, sine, cosine);
}

// 1 - exp(-x) for x >= 0, relative error about 2^-21, also where x is small: exp(-x) = 2^n exp(f), |f| <= log(2)/2
static inline float random_rotate_one_minus_exp(float x) {
    const float   y = x < 80.0f ? x : 80.0f;
    const int32_t n = -(int32_t) (y*1.442695041f + 0.5f);
    const float   f = -y - (float) n*0.693147181f;

    // (exp(f) - 1)/f
    float p = 1.984126984e-04f;
    p = p*f + 1.388888889e-03f;
    p = p*f + 8.333333333e-03f;
    p = p*f + 4.166666667e-02f;
    p = p*f + 1.666666667e-01f;
    p = p*f + 5.000000000e-01f;
    p = p*f + 1.0f;

    const uint32_t bits = (uint32_t) (n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof(scale));

    return (1.0f - scale) - scale*(p*f);
}

//
// sites K and V: every asking position turns every cached one, with a scalar or two for each pair instead of d normals
//

// what the fourth word of a counter says
#define RANDOM_ROTATE_FOR_ROW      0 // a row is turned; the others: a token asks for cached positions
#define RANDOM_ROTATE_FOR_SCORES   1 // first word: see random_rotate_pair_counter
#define RANDOM_ROTATE_FOR_VALUES   2 // first word: see random_rotate_quad_counter
#define RANDOM_ROTATE_FOR_REST     3 // first word: as for a row
#define RANDOM_ROTATE_FOR_HEAVIEST 4 // first word: as for a row

// A counter's four words serve two cached positions (K) or four (V), such that 16 neighbours in a cache are neighbours in
// a vector register: positions 32 m + l and 32 m + 16 + l share counter 16 m + l, l < 16; likewise with 64 and four.
static inline uint32_t random_rotate_pair_counter(uint32_t position) {
    return (position >> 5)*16 + (position & 15);
}

static inline uint32_t random_rotate_quad_counter(uint32_t position) {
    return (position >> 6)*16 + (position & 15);
}

// uniform on (0, 1]: 24 bits
static inline float random_rotate_uniform24(uint32_t bits) {
    return (float) (int32_t) bits * 0x1p-24f + 0x1p-25f;
}

// For one query and one key: the angle's share of the dose, and the first coordinate of a uniform point on the unit sphere
// in n = d - 1 dimensions. Two coordinates of such a point have the length sqrt(1 - U^(2/(n - 2))), U ~ Uniform(0, 1), and
// any direction. power: 2/(n - 2), or 1e9 for n = 2, or 0 for n = 1.
static inline void random_rotate_score_noise(uint32_t w0, uint32_t w1, float power, float * share, float * t) {
    *share = random_rotate_uniform24(w0 >> 8);

    const float u = random_rotate_uniform24(((w0 & 0xffu) << 16) | (w1 >> 16));

    float sine;
    float cosine;
    random_rotate_circle(w1 >> 14, (float) (int32_t) ((w1 << 18) | (1u << 17)) * 0x1p-32f, &sine, &cosine);

    const float length = sqrtf(random_rotate_one_minus_exp(-power*random_rotate_log(u)));
    *t = power > 0.0f ? length*cosine : (cosine > 0.0f ? 1.0f : -1.0f);
}
