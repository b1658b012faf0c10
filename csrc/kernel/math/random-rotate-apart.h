// Directions that keep apart: rows of an orthogonal matrix whose columns get random signs.
//
// In a row of length d = 2^k m, m odd, number i = 2^k b + a, a < 2^k, of direction n is
//
//   s_i H[n mod 2^k][a] cas(2 pi (n/2^k) b/m),  n < d
//
// with s_i = +1 or -1 at random, H Sylvester's Hadamard matrix of order 2^k, and cas(x) = cos(x) + sin(x), the kernel of the Hartley
// transform. The first 2^k directions consist of signs only. d directions are orthogonal to each other, for any d; n = d begins
// another such set, with new random signs.

#pragma once

#include "random-rotate-noise-key.h"

// one of the directions, for rows of a given length
struct random_rotate_apart {
    uint32_t what_for; // fourth word of the counters that give the signs
    uint32_t k;        // 2^k is the largest power of two in d
    uint32_t m;
    uint32_t row;      // of the Hadamard matrix
    uint32_t wave;     // of the Hartley matrix
};

// the n-th direction, n > 0
RANDOM_ROTATE_INLINE random_rotate_apart random_rotate_apart_of(int32_t n, int32_t d) {
    random_rotate_apart apart;
    const uint32_t length = uint32_t(d);
    const uint32_t at     = uint32_t(n - 1) % length;

    apart.what_for = RANDOM_ROTATE_FOR_APART + uint32_t(n - 1) / length;
    apart.k = 0;
    while (((length >> apart.k) & 1) == 0) {
        apart.k++;
    }
    apart.m    = length >> apart.k;
    apart.row  = at & ((1u << apart.k) - 1);
    apart.wave = at >> apart.k;
    return apart;
}

// parity of the number of bits that are set: 0 or 1
RANDOM_ROTATE_INLINE uint32_t random_rotate_parity(uint32_t bits) {
    bits ^= bits >> 16;
    bits ^= bits >> 8;
    bits ^= bits >> 4;
    bits ^= bits >> 2;
    bits ^= bits >> 1;
    return bits & 1;
}

// number i of a direction; word: the random word that number i of a row is drawn from
RANDOM_ROTATE_INLINE float random_rotate_apart_number(random_rotate_apart apart, uint32_t word, uint32_t i) {
    const uint32_t sign = (word >> 31) ^ random_rotate_parity(apart.row & i); // row is below 2^k, so higher bits of i do not count
    const uint32_t step = apart.wave*(i >> apart.k) % apart.m;

    float sine;
    float cosine;
    random_rotate_sin_cos(float(step)*(6.283185307f/float(apart.m)), sine, cosine);
    return random_rotate_flip_sign(sine + cosine, sign); // 1 for wave 0
}
