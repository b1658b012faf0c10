// The arithmetic of a random rotation, without memory or threads: counters, integers, uniforms, normals. Everything is branch-free,
// so that the compiler vectorises a loop over lanes that calls it. The kernels for the CPU, CUDA, Metal and Vulkan all compile
// this file: see random-rotate-dialect.h.

#pragma once

#include "random-rotate-dialect.h"

// Normals are drawn in groups: 16 consecutive counters give 64 numbers, and number i of a row comes from word (i%64)/16 of counter
// 1 + 16*(i/64) + i%16. So neighbours in a row are neighbours in a vector register. Counter 0 gives the angle.
#define RANDOM_ROTATE_GROUP 64

// Philox4x32-10. J. Salmon, M. Moraes, R. Dror, D. Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
#define PHILOX_ROUNDS 10
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u

RANDOM_ROTATE_INLINE void philox4x32_round(RANDOM_ROTATE_INOUT(uint32_t) c0, RANDOM_ROTATE_INOUT(uint32_t) c1,
        RANDOM_ROTATE_INOUT(uint32_t) c2, RANDOM_ROTATE_INOUT(uint32_t) c3, uint32_t k0, uint32_t k1) {
    const uint32_t hi0 = random_rotate_mul_hi(PHILOX_M0, c0);
    const uint32_t hi1 = random_rotate_mul_hi(PHILOX_M1, c2);
    const uint32_t lo0 = PHILOX_M0 * c0;
    const uint32_t lo1 = PHILOX_M1 * c2;

    c0 = hi1 ^ c1 ^ k0;
    c1 = lo1;
    c2 = hi0 ^ c3 ^ k1;
    c3 = lo0;
}

// all rounds for one counter, which is replaced by its four random words; key = {seed, 0}
RANDOM_ROTATE_INLINE void philox4x32(RANDOM_ROTATE_ARRAY(uint32_t, c, 4), uint32_t seed) {
    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        philox4x32_round(c[0], c[1], c[2], c[3], seed + r*PHILOX_W0, r*PHILOX_W1);
    }
}

// the layer, site and head that a number is for, packed into one word of the counter
RANDOM_ROTATE_INLINE uint32_t random_rotate_place(int32_t layer, int32_t site, int32_t head) {
    return uint32_t(head) | (uint32_t(layer) << 18) | (uint32_t(site) << 28);
}

// uniform on (0, most]: 31 bits, the smallest is 2^-32 of most
RANDOM_ROTATE_INLINE float random_rotate_uniform_up_to(float most, uint32_t bits) {
    return float(int32_t(bits >> 1)) * (most*(1.0f/2147483648.0f)) + most*(1.0f/4294967296.0f);
}

// uniform on (0, 1]
RANDOM_ROTATE_INLINE float random_rotate_uniform(uint32_t bits) {
    return random_rotate_uniform_up_to(1.0f, bits);
}

// natural logarithm of 2^-32 <= x <= 1, relative error below 2^-22: the mantissa is scaled to [sqrt(1/2), sqrt(2)), then
// log(1 + t) = t - t^2/2 + t^3 P(t) with P of degree 6, fitted by least squares at Chebyshev nodes
RANDOM_ROTATE_INLINE float random_rotate_log(float x) {
    const uint32_t sqrt_half = 0x3f3504f3u;

    const uint32_t shifted  = random_rotate_as_bits(x) - sqrt_half;
    const int32_t  exponent = int32_t(shifted) >> 23;
    const uint32_t mantissa = (shifted & 0x007fffffu) + sqrt_half;

    const float t = random_rotate_as_float(mantissa) - 1.0f;

    float p = 8.654275121e-02f;
    p = p*t - 1.425447615e-01f;
    p = p*t + 1.492588287e-01f;
    p = p*t - 1.657981353e-01f;
    p = p*t + 1.996213223e-01f;
    p = p*t - 2.500124446e-01f;
    p = p*t + 3.333393726e-01f;

    return float(exponent) * 0.693147180559945f + (t - t*t*(0.5f - t*p));
}

RANDOM_ROTATE_INLINE float random_rotate_flip_sign(float x, uint32_t sign) {
    return random_rotate_as_float(random_rotate_as_bits(x) ^ (sign << 31));
}

// sine and cosine of r*pi/2, |r| <= 1/2, absolute error about 2^-23
RANDOM_ROTATE_INLINE void random_rotate_quarter(float r, RANDOM_ROTATE_OUT(float) sine, RANDOM_ROTATE_OUT(float) cosine) {
    const float r2 = r*r;

    float s = -4.602163105e-03f;
    s = s*r2 + 7.968022286e-02f;
    s = s*r2 - 6.459634782e-01f;
    s = s*r2 + 1.570796322e+00f;
    sine = s*r;

    float c = -2.040825547e-02f;
    c = c*r2 + 2.535986077e-01f;
    c = c*r2 - 1.233697011e+00f;
    cosine = c*r2 + 9.999999724e-01f;
}

// sine and cosine of quarter*pi/2 + r*pi/2, |r| <= 1/2; only the two lowest bits of quarter count
RANDOM_ROTATE_INLINE void random_rotate_circle(uint32_t quarter, float r, RANDOM_ROTATE_OUT(float) sine,
        RANDOM_ROTATE_OUT(float) cosine) {
    float s;
    float c;
    random_rotate_quarter(r, s, c);

    const float a = (quarter & 1) != 0 ? s : c;
    const float b = (quarter & 1) != 0 ? c : s;

    cosine = random_rotate_flip_sign(a, (quarter >> 1) ^ (quarter & 1));
    sine   = random_rotate_flip_sign(b,  quarter >> 1);
}

// two independent standard normals from two words (Box and Muller 1958): the radius from the first word; in the second, the
// top two bits choose a quarter of the circle, and the other thirty an angle around its axis
RANDOM_ROTATE_INLINE void random_rotate_normals(uint32_t w0, uint32_t w1, RANDOM_ROTATE_OUT(float) n0, RANDOM_ROTATE_OUT(float) n1) {
    const float radius = random_rotate_sqrt(-2.0f * random_rotate_log(random_rotate_uniform(w0)));

    float sine;
    float cosine;
    random_rotate_circle(w1 >> 30, float(int32_t(w1 << 2)) * (1.0f/4294967296.0f), sine, cosine);

    n0 = radius * cosine;
    n1 = radius * sine;
}

// the number below which |n| lies with probability u, n standard normal: u times a polynomial in w = -log(1 - u^2), or
// in its square root if w is large; relative error below 1e-6, fitted by least squares at Chebyshev nodes; u is
// clamped where 1 - u^2 is 2^-26
RANDOM_ROTATE_INLINE float random_rotate_half_normal(float u) {
    const float rest = (1.0f - u)*(1.0f + u);
    const float w    = -random_rotate_log(rest > 1.0f/67108864.0f ? rest : 1.0f/67108864.0f);

    const float t = w - 2.5f;
    float p = 3.958321011e-08f;
    p = p*t + 4.851791028e-07f;
    p = p*t - 4.981194607e-06f;
    p = p*t - 6.207880364e-06f;
    p = p*t + 3.091150937e-04f;
    p = p*t - 1.773041743e-03f;
    p = p*t - 5.908129908e-03f;
    p = p*t + 3.488026846e-01f;
    p = p*t + 2.123313560e+00f;

    const float r = random_rotate_sqrt(w > 0.0f ? w : 0.0f) - 3.268615306f;
    float q = -2.291907545e-04f;
    q = q*r + 1.207177421e-03f;
    q = q*r - 2.482956501e-03f;
    q = q*r + 3.395396078e-03f;
    q = q*r - 4.969478692e-03f;
    q = q*r + 7.284387609e-03f;
    q = q*r + 1.421920666e+00f;
    q = q*r + 4.387740714e+00f;

    return u*(w < 5.0f ? p : q);
}

// sine and cosine of 0 <= theta <= 1e6 (larger angles are clamped)
RANDOM_ROTATE_INLINE void random_rotate_sin_cos(float theta, RANDOM_ROTATE_OUT(float) sine,
        RANDOM_ROTATE_OUT(float) cosine) {
    const float turns   = (theta < 1e6f ? theta : 1e6f) * 0.636619772f;
    const int32_t quarter = int32_t(turns + 0.5f);
    random_rotate_circle(uint32_t(quarter), turns - float(quarter), sine, cosine);
}

// Angles up to this one, slightly below pi/4, are faster to compute as quarters of a turn:
// random_rotate_quarter(theta*RANDOM_ROTATE_QUARTERS).
#define RANDOM_ROTATE_SMALL_ANGLE 0.785f
#define RANDOM_ROTATE_QUARTERS    0.636619772f

// the same for a row's angle, precise also for angles of many turns: pi/2 in three parts (Cody and Waite 1980)
RANDOM_ROTATE_INLINE void random_rotate_sin_cos_precise(float theta, RANDOM_ROTATE_OUT(float) sine,
        RANDOM_ROTATE_OUT(float) cosine) {
#if defined(__clang__) && !defined(__CUDACC__)
#pragma clang fp reassociate(off) // fast math would merge the parts again
#endif
    const float   angle   = theta < 1e6f ? theta : 1e6f;
    const int32_t quarter = int32_t(angle * 0.636619772f + 0.5f);
    const float   n       = float(quarter);
    RANDOM_ROTATE_PRECISE const float rest = ((angle - n*1.5703125f) - n*4.837512969970703e-4f) - n*7.549789954891882e-8f;
    random_rotate_circle(uint32_t(quarter), rest * 0.636619772f, sine, cosine);
}

// 1 - exp(-x) for x >= 0, relative error about 2^-21, also for small x: exp(-x) = 2^n exp(f), |f| <= log(2)/2
RANDOM_ROTATE_INLINE float random_rotate_one_minus_exp(float x) {
    const float   y = x < 80.0f ? x : 80.0f;
    const int32_t n = -int32_t(y*1.442695041f + 0.5f);
    const float   f = -y - float(n)*0.693147181f;

    // (exp(f) - 1)/f
    float p = 1.984126984e-04f;
    p = p*f + 1.388888889e-03f;
    p = p*f + 8.333333333e-03f;
    p = p*f + 4.166666667e-02f;
    p = p*f + 1.666666667e-01f;
    p = p*f + 5.000000000e-01f;
    p = p*f + 1.0f;

    const float scale = random_rotate_as_float(uint32_t(n + 127) << 23);

    return (1.0f - scale) - scale*(p*f);
}

// the same for x up to 0.6, relative error about 2^-23
RANDOM_ROTATE_INLINE float random_rotate_one_minus_exp_small(float x) {
    float p = -1.074449300e-03f;
    p = p*x + 8.128176964e-03f;
    p = p*x - 4.160323671e-02f;
    p = p*x + 1.666576678e-01f;
    p = p*x - 4.999995270e-01f;
    p = p*x + 9.999999959e-01f;
    return p*x;
}

// sqrt(1 + 2 r t + r^2), the length of x + r |x| g/|g| in units of |x|, where t is the component of g/|g| along x; never 0
RANDOM_ROTATE_INLINE float random_rotate_added_length(float r, float t) {
    const float square = 1.0f + r*(2.0f*t + r);
    return random_rotate_sqrt(square > 1e-12f ? square : 1e-12f);
}

// Power of two that scales a row whose largest number is max > 0 such that squares neither underflow nor overflow, and its inverse.
// Rotations commute with scaling, and scaling by a power of two does not round.
RANDOM_ROTATE_INLINE void random_rotate_scale(float max, RANDOM_ROTATE_OUT(float) scale, RANDOM_ROTATE_OUT(float) inverse) {
    const uint32_t exponent = random_rotate_as_bits(max) >> 23;
    const uint32_t e        = exponent < 1 ? 1 : exponent > 253 ? 253 : exponent;

    scale   = random_rotate_as_float((254 - e) << 23);
    inverse = random_rotate_as_float(e << 23);
}

// whether the squares of a row with the sum xx neither underflowed nor overflowed; compared as bits, which are ordered like the
// numbers, with NaN last, because compilers for GPUs assume that there is no NaN
RANDOM_ROTATE_INLINE bool random_rotate_square_fits(float xx) {
    const uint32_t bits = random_rotate_as_bits(xx);
    return bits > random_rotate_as_bits(1e-30f) && bits < random_rotate_as_bits(1e+34f);
}

// How y = g - a x is made orthogonal to x, with a = g.x/x.x and the remaining square y.y. One projection leaves an error of about
// 1e-7 |g| along x. If little of g remains (common only for d = 2), this would distort the angle, and a second projection removes
// it. If nothing remains, the axis along which x is shortest is projected instead.
#define RANDOM_ROTATE_ORTHOGONAL    0
#define RANDOM_ROTATE_PROJECT_AGAIN 1
#define RANDOM_ROTATE_PROJECT_AXIS  2

RANDOM_ROTATE_INLINE int32_t random_rotate_orthogonality(float yy, float a, float gx) {
    return yy > 0.01f*a*gx ? RANDOM_ROTATE_ORTHOGONAL : yy > 1e-10f*a*gx ? RANDOM_ROTATE_PROJECT_AGAIN : RANDOM_ROTATE_PROJECT_AXIS;
}
