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

// two independent standard normals from two words (Box and Muller 1958): the radius from the first word; from the second,
// the top two bits choose a quarter of the circle and the other thirty an angle r * pi/2, |r| <= 1/2, around its axis
static inline void random_rotate_normals(uint32_t w0, uint32_t w1, float * n0, float * n1) {
    const float radius = sqrtf(-2.0f * random_rotate_log(random_rotate_uniform(w0)));

    const uint32_t quarter = w1 >> 30;
    const float    r       = (float) (int32_t) (w1 << 2) * 0x1p-32f;
    const float    r2      = r*r;

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

    *n0 = radius * random_rotate_flip_sign(a, (quarter >> 1) ^ (quarter & 1));
    *n1 = radius * random_rotate_flip_sign(b,  quarter >> 1);
}
