// Reads single numbers of a cache on a GPU, for each type of cache; the layouts of quantized blocks are those of ggml-common.h.
// CUDA and Metal compile this file, each with its own random_rotate_half(at), which reads a float16 as a float.

#pragma once

#include "random-rotate-dialect.h"

#define RANDOM_ROTATE_BLOCK 32 // numbers in a quantized block

struct random_rotate_f32 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        return ((RANDOM_ROTATE_DEVICE const float *) row)[i];
    }
};

struct random_rotate_f16 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        return random_rotate_half(row + 2*i);
    }
};

struct random_rotate_bf16 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        return random_rotate_as_float((uint32_t) ((RANDOM_ROTATE_DEVICE const uint16_t *) row)[i] << 16);
    }
};

// float16 d; int8_t qs[32]
struct random_rotate_q8_0 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        RANDOM_ROTATE_DEVICE const char * block = row + i/RANDOM_ROTATE_BLOCK*34;
        return random_rotate_half(block)*(float) ((RANDOM_ROTATE_DEVICE const int8_t *) (block + 2))[i % RANDOM_ROTATE_BLOCK];
    }
};

// number j of a block's uint8_t qs[16]: the first half is in the low four bits
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_nibble(RANDOM_ROTATE_DEVICE const char * qs, int32_t j) {
    const int32_t both = ((RANDOM_ROTATE_DEVICE const uint8_t *) qs)[j % 16];
    return j < 16 ? both & 15 : both >> 4;
}

// the fifth bit of number j, from uint8_t qh[4]
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_fifth_bit(RANDOM_ROTATE_DEVICE const char * qh, int32_t j) {
    return (((RANDOM_ROTATE_DEVICE const uint8_t *) qh)[j/8] >> (j % 8) & 1) << 4;
}

// float16 d; uint8_t qs[16]
struct random_rotate_q4_0 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        RANDOM_ROTATE_DEVICE const char * block = row + i/RANDOM_ROTATE_BLOCK*18;
        return random_rotate_half(block)*(float) (random_rotate_nibble(block + 2, i % RANDOM_ROTATE_BLOCK) - 8);
    }
};

// float16 d, m; uint8_t qs[16]
struct random_rotate_q4_1 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        RANDOM_ROTATE_DEVICE const char * block = row + i/RANDOM_ROTATE_BLOCK*20;
        return random_rotate_half(block)*(float) random_rotate_nibble(block + 4, i % RANDOM_ROTATE_BLOCK) + random_rotate_half(block + 2);
    }
};

// float16 d; uint8_t qh[4], qs[16]
struct random_rotate_q5_0 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        RANDOM_ROTATE_DEVICE const char * block = row + i/RANDOM_ROTATE_BLOCK*22;
        const int32_t j = i % RANDOM_ROTATE_BLOCK;
        return random_rotate_half(block)*(float) ((random_rotate_nibble(block + 6, j) | random_rotate_fifth_bit(block + 2, j)) - 16);
    }
};

// float16 d, m; uint8_t qh[4], qs[16]
struct random_rotate_q5_1 {
    static RANDOM_ROTATE_ON_GPU float at(RANDOM_ROTATE_DEVICE const char * row, int32_t i) {
        RANDOM_ROTATE_DEVICE const char * block = row + i/RANDOM_ROTATE_BLOCK*24;
        const int32_t j = i % RANDOM_ROTATE_BLOCK;
        return random_rotate_half(block)*(float) (random_rotate_nibble(block + 8, j) | random_rotate_fifth_bit(block + 4, j)) +
            random_rotate_half(block + 2);
    }
};
