// Checks that the random words of 16 counters at once are those of the single counters. Compiled for several kinds of
// processors (tests/test_instruction_sets.py), because each has its own generator in random-rotate-lanes.h.

#include "random-rotate-draw.h"

#include <cstdio>

static bool check(uint32_t seed, uint32_t what_for, uint32_t start, uint32_t step) {
    random_rotate_noise_key noise = {};
    noise.seed  = seed;
    noise.time  = seed/7;
    noise.place = random_rotate_place((int32_t) (seed % 1024), (int32_t) (seed % 16), (int32_t) (seed % 1000));

    uint32_t first[LANES];
    for (int l = 0; l < LANES; ++l) {
        first[l] = start + step*l;
    }
    counter_words together;
    together.draw(noise, what_for, first);
    for (int l = 0; l < LANES; ++l) {
        uint32_t alone[4];
        random_rotate_words(noise, what_for, first[l], alone);
        for (int w = 0; w < 4; ++w) {
            if (together.word[w][l] != alone[w]) {
                printf("seed %u, counter %u, word %d: %u, not %u\n", seed, first[l], w, together.word[w][l], alone[w]);
                return false;
            }
        }
    }
    return true;
}

int main() {
    for (uint32_t i = 0; i < 1000; ++i) {
        if (!check(0x9e3779b9u*i, i % 8, 0xfffffff0u + 977*i, 1 + i % 5)) {
            return 1;
        }
    }
    return 0;
}
