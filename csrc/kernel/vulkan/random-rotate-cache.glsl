// Reads single numbers of a cache, for each type of cache, from its words of two bytes; the layouts of quantized blocks are those of
// ggml-common.h. cache_type is RANDOM_ROTATE_VULKAN_F32, ...; the buffer is cache_data.

float cache_half(int32_t word) {
    return unpackHalf2x16(uint32_t(cache_data[word])).x;
}

// byte number i of those that begin at a word
int32_t cache_byte(int32_t word, int32_t i) {
    return int32_t(uint32_t(cache_data[word + i/2]) >> (8*(i % 2))) & 255;
}

// number j of a block's uint8_t qs[16]: the first half is in the low four bits
int32_t cache_nibble(int32_t word, int32_t j) {
    return cache_byte(word, j % 16) >> (j < 16 ? 0 : 4) & 15;
}

// the same, with a fifth bit from the block's uint8_t qh[4]
int32_t cache_five_bits(int32_t qh, int32_t qs, int32_t j) {
    return cache_nibble(qs, j) | (cache_byte(qh, j/8) >> (j % 8) & 1) << 4;
}

// number i of a cell that begins at a word
float cache_number(int32_t cell, int32_t i) {
    const int32_t j = i % 32;
    switch (cache_type) {
        case RANDOM_ROTATE_VULKAN_F32:
            return random_rotate_as_float(uint32_t(cache_data[cell + 2*i]) | uint32_t(cache_data[cell + 2*i + 1]) << 16);
        case RANDOM_ROTATE_VULKAN_F16:
            return cache_half(cell + i);
        case RANDOM_ROTATE_VULKAN_BF16:
            return random_rotate_as_float(uint32_t(cache_data[cell + i]) << 16);
        case RANDOM_ROTATE_VULKAN_Q8_0: { // float16 d; int8_t qs[32]
            const int32_t block = cell + i/32*17;
            return cache_half(block)*float((cache_byte(block + 1, j) ^ 128) - 128);
        }
        case RANDOM_ROTATE_VULKAN_Q4_0: { // float16 d; uint8_t qs[16]
            const int32_t block = cell + i/32*9;
            return cache_half(block)*float(cache_nibble(block + 1, j) - 8);
        }
        case RANDOM_ROTATE_VULKAN_Q4_1: { // float16 d, m; uint8_t qs[16]
            const int32_t block = cell + i/32*10;
            return cache_half(block)*float(cache_nibble(block + 2, j)) + cache_half(block + 1);
        }
        case RANDOM_ROTATE_VULKAN_Q5_0: { // float16 d; uint8_t qh[4], qs[16]
            const int32_t block = cell + i/32*11;
            return cache_half(block)*float(cache_five_bits(block + 1, block + 3, j) - 16);
        }
        case RANDOM_ROTATE_VULKAN_Q5_1: { // float16 d, m; uint8_t qh[4], qs[16]
            const int32_t block = cell + i/32*12;
            return cache_half(block)*float(cache_five_bits(block + 2, block + 4, j)) + cache_half(block + 1);
        }
    }
    return 0.0f;
}
