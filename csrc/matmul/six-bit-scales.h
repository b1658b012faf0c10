// How Q4_K and Q5_K pack eight scales and eight minima of 6 bits each.

#pragma once

#include <cstdint>
#include <cstring>

#include <immintrin.h>

// unpacked to bytes, with the scales in the lower half
static inline __m128i scales_and_minima(const uint8_t * packed) {
    uint32_t word[3];
    memcpy(word, packed, sizeof(word));
    const uint32_t low = 0x3f3f3f3f, nibble = 0x0f0f0f0f, top = 0x03030303;
    return _mm_setr_epi32(
        word[0] & low, (word[2] & nibble) | (word[0] >> 6 & top) << 4,
        word[1] & low, (word[2] >> 4 & nibble) | (word[1] >> 6 & top) << 4);
}
