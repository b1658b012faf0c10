// What the random words for a head of a token depend on: the generator's key, the fixed words of its
// counters, the angle and the kinds.

#pragma once

#include "random-rotate-math.h"
#include "random-rotate-token.h"

// for one head of one token
struct random_rotate_noise_key {
    uint32_t seed;      // the generator's key
    uint32_t time;      // the token's position, or a number that several positions share
    uint32_t place;     // layer, site, head
    float    theta_max; // 0: sober
    int32_t  n_sink;
    int32_t  reference; // 1: reference noise, 0: isotropic
    int32_t  angle;     // GGML_RANDOM_ROTATE_UNIFORM, ...
    int32_t  turn;      // GGML_RANDOM_ROTATE_ROTATION, ...
    int32_t  apart;     // see GGML_RANDOM_ROTATE_TOKEN_APART
};

// doses: F32 [n_site, n_layer, n_tables]; token: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE], its parameters
RANDOM_ROTATE_INLINE random_rotate_noise_key random_rotate_noise_key_of(RANDOM_ROTATE_DOSES doses, int32_t n_site, int32_t n_layer,
        RANDOM_ROTATE_TOKENS token, int32_t layer, int32_t site, int32_t head) {
    const int32_t table = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_TABLE);

    random_rotate_noise_key noise;
    noise.seed      = uint32_t(RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_SEED));
    noise.time      = uint32_t(RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_TIME + site));
    noise.place     = random_rotate_place(layer & RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_LAYERS), site, head);
    noise.theta_max = table < 0 ? 0.0f : RANDOM_ROTATE_DOSE(doses, site + n_site*(layer + n_layer*table)) *
        random_rotate_as_float(uint32_t(RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_FACTOR)));
    noise.n_sink    = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_SINK);
    noise.reference = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_NOISE) == GGML_RANDOM_ROTATE_REFERENCE ? 1 : 0;
    noise.angle     = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_ANGLE);
    noise.turn      = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_TURN);
    noise.apart     = RANDOM_ROTATE_TOKEN(token, GGML_RANDOM_ROTATE_TOKEN_APART);
    return noise;
}

// whether this is the usual case: a rotation by Uniform(0, theta_max)
RANDOM_ROTATE_INLINE bool random_rotate_is_plain(random_rotate_noise_key noise) {
    return noise.turn == GGML_RANDOM_ROTATE_ROTATION && noise.angle == GGML_RANDOM_ROTATE_UNIFORM;
}

// the fourth word of a counter: what the numbers are for
#define RANDOM_ROTATE_FOR_ROW         0 // turning a row; the others: cached positions, as read by a token
#define RANDOM_ROTATE_FOR_SCORES      1 // first word: see random_rotate_pair_counter; the position under reference noise
#define RANDOM_ROTATE_FOR_VALUES      2 // first word: see random_rotate_quad_counter
#define RANDOM_ROTATE_FOR_REST        3 // first word: as for a row
#define RANDOM_ROTATE_FOR_HEAVIEST    4 // first word: as for a row
#define RANDOM_ROTATE_FOR_ADDED       5 // values to which something is added; first word: see random_rotate_pair_counter
#define RANDOM_ROTATE_FOR_APART_ANGLE 6 // angle of a row; first word: which of the directions
#define RANDOM_ROTATE_FOR_APART       7 // signs of a row; first word: as for a row; higher numbers: for later sets of directions

// the four random words of the counter whose first word is first
RANDOM_ROTATE_INLINE void random_rotate_words(random_rotate_noise_key noise, uint32_t what_for, uint32_t first,
        RANDOM_ROTATE_ARRAY(uint32_t, words, 4)) {
    words[0] = first;
    words[1] = noise.place;
    words[2] = noise.time;
    words[3] = what_for;
    philox4x32(words, noise.seed);
}

// how an angle's share of the dose is drawn: factors of which exactly one is not 0, so that a loop over lanes needs no branch
struct random_rotate_shares {
    float uniformly;
    float half_normal;
    float fully;
};

RANDOM_ROTATE_INLINE random_rotate_shares random_rotate_shares_of(random_rotate_noise_key noise) {
    random_rotate_shares of;
    of.uniformly   = noise.angle == GGML_RANDOM_ROTATE_UNIFORM     ? 1.0f         : 0.0f;
    of.half_normal = noise.angle == GGML_RANDOM_ROTATE_HALF_NORMAL ? 0.626657069f : 0.0f; // sqrt(pi/8)
    of.fully       = noise.angle == GGML_RANDOM_ROTATE_FIXED       ? 1.0f         : 0.0f;
    return of;
}

// an angle's share of the dose, from u ~ Uniform(0, 1)
RANDOM_ROTATE_INLINE float random_rotate_share(random_rotate_shares of, float u) {
    return of.uniformly*u + (of.half_normal*random_rotate_half_normal(u) + of.fully);
}

// an angle, from u ~ Uniform(0, 1)
RANDOM_ROTATE_INLINE float random_rotate_angle_of(random_rotate_noise_key noise, float u) {
    return noise.theta_max * (noise.angle == GGML_RANDOM_ROTATE_UNIFORM ? u : random_rotate_share(random_rotate_shares_of(noise), u));
}

// the angle of a row
RANDOM_ROTATE_INLINE float random_rotate_angle(random_rotate_noise_key noise) {
    uint32_t words[4];
    if (noise.apart > 0) {
        random_rotate_words(noise, RANDOM_ROTATE_FOR_APART_ANGLE, uint32_t(noise.apart), words);
    } else {
        random_rotate_words(noise, RANDOM_ROTATE_FOR_ROW, 0, words);
    }
    return random_rotate_angle_of(noise, random_rotate_uniform(words[0]));
}
