// The shared arithmetic, in the dialect of the file that includes this one after the kernels' headers.

#pragma once

#include <cstdint>

struct arithmetic {
    uint32_t words[4];
    float    uniform;
    float    normals[4];
    float    sine, cosine;
    float    precise_sine, precise_cosine;
    float    share, t1, t2; // for a score
    float    half_normal;
    float    apart;
};

// i: which of the test inputs
static inline arithmetic arithmetic_of(uint32_t i) {
    random_rotate_noise_key noise = {};
    noise.seed      = 0x5eedu*i + 7;
    noise.time      = i/3;
    noise.place     = random_rotate_place((int32_t) (i % 1024), (int32_t) (i % 16), (int32_t) (i % 1000));
    noise.theta_max = 0.7f;

    arithmetic a;
    random_rotate_words(noise, i % 5, i*i, a.words);
    a.uniform = random_rotate_uniform(a.words[0]);
    random_rotate_normals(a.words[0], a.words[1], a.normals[0], a.normals[1]);
    random_rotate_normals(a.words[2], a.words[3], a.normals[2], a.normals[3]);
    random_rotate_sin_cos        (3.0f*a.uniform, a.sine, a.cosine);
    random_rotate_sin_cos_precise(20.0f*a.uniform, a.precise_sine, a.precise_cosine);
    random_rotate_score_noise(a.words[0], a.words[1], 2.0f/61.0f, a.share, a.t1, a.t2);
    a.half_normal = random_rotate_half_normal(a.uniform);
    a.apart       = random_rotate_apart_number(random_rotate_apart_of(1 + (int32_t) (i % 2000), 1536), a.words[1], i % 1536);
    return a;
}
