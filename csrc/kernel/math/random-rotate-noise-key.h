// What a head of a token draws its random words with: the generator's key, the fixed words of its counters, and its largest angle.

#pragma once

#include "random-rotate-math.h"
#include "random-rotate-token.h"

// of one head of one token
struct random_rotate_noise_key {
    uint32_t seed;      // the generator's key
    uint32_t position;
    uint32_t place;     // layer, site, head
    float    theta_max; // 0: sober
    int32_t  n_sink;
    int32_t  reference; // noise; else isotropic
};

// doses: F32 [n_site, n_layer, n_tables]; of: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE], the token's
RANDOM_ROTATE_INLINE struct random_rotate_noise_key random_rotate_noise_key_of(RANDOM_ROTATE_DEVICE const float * doses, int64_t n_site,
        int64_t n_layer, RANDOM_ROTATE_DEVICE const int32_t * of, int32_t layer, int32_t site, int32_t head) {
    const int32_t table = of[GGML_RANDOM_ROTATE_TOKEN_TABLE];

    struct random_rotate_noise_key noise;
    noise.seed      = (uint32_t) of[GGML_RANDOM_ROTATE_TOKEN_SEED];
    noise.position  = (uint32_t) of[GGML_RANDOM_ROTATE_TOKEN_POSITION];
    noise.place     = random_rotate_place(layer, site, head);
    noise.theta_max = table < 0 ? 0.0f : doses[site + n_site*(layer + n_layer*table)];
    noise.n_sink    = of[GGML_RANDOM_ROTATE_TOKEN_SINK];
    noise.reference = of[GGML_RANDOM_ROTATE_TOKEN_NOISE] == GGML_RANDOM_ROTATE_REFERENCE;
    return noise;
}

// what the fourth word of a counter says
#define RANDOM_ROTATE_FOR_ROW      0 // a row is turned; the others: cached positions, as a token reads them
#define RANDOM_ROTATE_FOR_SCORES   1 // first word: see random_rotate_pair_counter
#define RANDOM_ROTATE_FOR_VALUES   2 // first word: see random_rotate_quad_counter
#define RANDOM_ROTATE_FOR_REST     3 // first word: as for a row
#define RANDOM_ROTATE_FOR_HEAVIEST 4 // first word: as for a row

// the four words of the counter whose first word is first
RANDOM_ROTATE_INLINE void random_rotate_words(struct random_rotate_noise_key noise, uint32_t what_for, uint32_t first,
        RANDOM_ROTATE_LOCAL uint32_t * words) {
    words[0] = first;
    words[1] = noise.place;
    words[2] = noise.position;
    words[3] = what_for;
    philox4x32(words, noise.seed);
}

// theta ~ Uniform(0, theta_max), of a row
RANDOM_ROTATE_INLINE float random_rotate_angle(struct random_rotate_noise_key noise) {
    uint32_t words[4];
    random_rotate_words(noise, RANDOM_ROTATE_FOR_ROW, 0, words);
    return noise.theta_max * random_rotate_uniform(words[0]);
}
