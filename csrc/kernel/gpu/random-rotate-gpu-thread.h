// What a thread of a GPU computes without memory or other threads. CUDA, Metal and Vulkan compile this file: see
// random-rotate-dialect.h.

#pragma once

#include "random-rotate-apart.h"
#include "random-rotate-attend.h"

#define RANDOM_ROTATE_QUAD 4 // numbers of a row that one counter gives

// the four numbers that one counter gives: normals or uniforms
RANDOM_ROTATE_INLINE void random_rotate_draw_quad(random_rotate_noise_key noise, uint32_t what_for, bool uniformly, uint32_t counter,
        RANDOM_ROTATE_ARRAY(float, quad, RANDOM_ROTATE_QUAD)) {
    uint32_t words[4];
    random_rotate_words(noise, what_for, counter, words);
    if (uniformly) {
        for (int32_t w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            quad[w] = random_rotate_uniform(words[w]);
        }
    } else {
        random_rotate_normals(words[0], words[1], quad[0], quad[1]);
        random_rotate_normals(words[2], words[3], quad[2], quad[3]);
    }
}

// the four numbers that counter (from 0) gives for a row of d, for any kind of noise
RANDOM_ROTATE_INLINE void random_rotate_draw_row_quad(random_rotate_noise_key noise, int32_t d, int32_t counter,
        RANDOM_ROTATE_ARRAY(float, quad, RANDOM_ROTATE_QUAD)) {
    if (noise.apart == 0) {
        const bool uniformly = noise.reference != 0 || noise.turn == GGML_RANDOM_ROTATE_ELEMENTWISE;
        random_rotate_draw_quad(noise, RANDOM_ROTATE_FOR_ROW, uniformly, 1 + counter, quad);
        return;
    }
    const random_rotate_apart apart = random_rotate_apart_of(noise.apart, d);

    uint32_t words[4];
    random_rotate_words(noise, apart.what_for, 1 + counter, words);
    for (int32_t w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
        quad[w] = random_rotate_apart_number(apart, words[w], RANDOM_ROTATE_GROUP*(counter/16) + 16*w + counter % 16);
    }
}

// a turned row is a x + b y, where y is derived from the random numbers
struct random_rotate_mix {
    float a;
    float b;
};

// xx: x.x; gx: g.x; yy: y.y
RANDOM_ROTATE_INLINE random_rotate_mix random_rotate_mix_of(random_rotate_noise_key noise, float angle, float xx, float gx, float yy) {
    random_rotate_mix mix;
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        float sine;
        random_rotate_sin_cos_precise(angle, sine, mix.a);
        mix.b = sine*random_rotate_sqrt(xx/yy);
    } else {
        const float ratio  = random_rotate_sqrt(xx)/random_rotate_sqrt(yy);
        const float length = noise.turn == GGML_RANDOM_ROTATE_NLERP ? random_rotate_added_length(angle, gx*ratio/xx) : 1.0f;
        mix.a = 1.0f/length;
        mix.b = angle*ratio/length;
    }
    return mix;
}

// one number of the result; a row that was scaled must not overflow when it is scaled back
RANDOM_ROTATE_INLINE float random_rotate_mixed(random_rotate_mix mix, float x, float y, float scale, float inverse) {
    const float limit  = 3.402823466e+38f*scale;
    const float turned = mix.a*x + mix.b*y;
    return scale == 1.0f ? turned : (turned < -limit ? -limit : turned > limit ? limit : turned)*inverse;
}

// one of the queries that read a key head
struct random_rotate_reader {
    int32_t it;
    int32_t head;
    bool    exists;
};

// query number row of a key head: there are n_group heads per token
RANDOM_ROTATE_INLINE random_rotate_reader random_rotate_reader_of(int32_t row, int32_t n_tokens, int32_t n_group, int32_t head_kv) {
    const int32_t last = n_tokens*n_group - 1;
    const int32_t r    = row < last ? row : last;

    random_rotate_reader reader;
    reader.it     = r / n_group;
    reader.head   = head_kv*n_group + r % n_group;
    reader.exists = row <= last;
    return reader;
}

// the words for a query and a cell at a position
RANDOM_ROTATE_INLINE void random_rotate_score_words(random_rotate_noise_key noise, uint32_t position, RANDOM_ROTATE_ARRAY(uint32_t, words, 4)) {
    random_rotate_words(noise, RANDOM_ROTATE_FOR_SCORES, noise.reference != 0 ? position : random_rotate_pair_counter(position), words);
}

// norm, sum: |k| and s1(k)
RANDOM_ROTATE_INLINE float random_rotate_turned(random_rotate_noise_key noise, random_rotate_query query, uint32_t position,
        RANDOM_ROTATE_IN_ARRAY(uint32_t, words, 4), float norm, float sum, float score) {
    if (noise.reference != 0) {
        const float lean  = norm > 0.0f ? sum/norm : 0.0f;
        const float angle = random_rotate_angle_of(noise, random_rotate_uniform(words[0]));
        return random_rotate_turn_score_reference(query, angle, words[1], words[2], norm, lean, score);
    }
    uint32_t w0;
    uint32_t w1;
    random_rotate_choose_pair(position, words[0], words[1], words[2], words[3], w0, w1);
    return random_rotate_is_plain(noise) ? random_rotate_turn_score(query, noise.theta_max, w0, w1, norm, score) :
        random_rotate_turn_score_of_kind(query, noise, random_rotate_shares_of(noise), w0, w1, norm, score);
}

// the random words for a query and a cell at a position
RANDOM_ROTATE_INLINE void random_rotate_value_words(random_rotate_noise_key noise, uint32_t position, RANDOM_ROTATE_ARRAY(uint32_t, words, 4)) {
    const bool rotates = noise.turn == GGML_RANDOM_ROTATE_ROTATION;
    random_rotate_words(noise, rotates ? RANDOM_ROTATE_FOR_VALUES : RANDOM_ROTATE_FOR_ADDED,
        rotates ? random_rotate_quad_counter(position) : random_rotate_pair_counter(position), words);
}

// the factor for a cell's value, and its weight in the noise, for a value of length 1 and weight p; lean: s1(v)/|v|
RANDOM_ROTATE_INLINE float random_rotate_factor(random_rotate_noise_key noise, int32_t position, RANDOM_ROTATE_IN_ARRAY(uint32_t, words, 4),
        int32_t d, float p, float lean, RANDOM_ROTATE_OUT(float) weight) {
    weight = 0.0f;
    if (noise.theta_max == 0.0f || p == 0.0f) {
        return p;
    }
    const bool     turns = position >= noise.n_sink;
    const uint32_t at    = uint32_t(position);
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        const uint32_t word = random_rotate_choose_single(at, words[0], words[1], words[2], words[3]);
        float sine;
        float cosine;
        random_rotate_sin_cos(random_rotate_angle_of(noise, random_rotate_uniform(word)), sine, cosine);
        return random_rotate_weigh(sine, cosine, noise.reference, float(d), turns, p, 1.0f, lean, weight);
    }
    uint32_t w0;
    uint32_t w1;
    random_rotate_choose_pair(at, words[0], words[1], words[2], words[3], w0, w1);
    return random_rotate_weigh_added(noise, random_rotate_shares_of(noise), random_rotate_power(d), w0, w1, turns, p, 1.0f, weight);
}
