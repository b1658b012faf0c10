// Rows turned on a graphics card: one block of threads a row. CUDA and Metal compile this file, each with its own
//
//   RANDOM_ROTATE_ON_GPU                         what a function that runs there is declared as
//   random_rotate_simd_sum(x)                    sum over the 32 threads of a SIMD group, known to all of them
//   random_rotate_simd_max(x)                    largest of their unsigned numbers
//   random_rotate_simd_xor(x, mask)              x of the thread whose number differs by mask
//   random_rotate_barrier()                      waits for all threads of the block, and for their shared memory
//   random_rotate_wait()                         waits for what earlier kernels write; noise needs none of that
//
// A thread draws the four numbers that one counter gives, and keeps them and their part of the row in registers: numbers
// 64 (c/16) + 16 w + c%16, w < 4, of counters c = thread, thread + n_threads, ... (n_quads of these).

#pragma once

#include "random-rotate-args.h"
#include "random-rotate-noise-key.h"

// the threads that work together, and shared memory with room for one number of each SIMD group
struct random_rotate_block {
    int32_t me;
    int32_t n_threads; // a multiple of 32
    RANDOM_ROTATE_SHARED float * shared;
};

// sum over a block, known to all of its threads
static RANDOM_ROTATE_ON_GPU float random_rotate_block_sum(random_rotate_block block, float x) {
    x = random_rotate_simd_sum(x);
    if (block.n_threads == RANDOM_ROTATE_SIMD) {
        return x;
    }
    random_rotate_barrier(); // what was shared before has been read
    if (block.me % RANDOM_ROTATE_SIMD == 0) {
        block.shared[block.me/RANDOM_ROTATE_SIMD] = x;
    }
    random_rotate_barrier();
    float sum = 0.0f;
    for (int32_t i = 0; i < block.n_threads/RANDOM_ROTATE_SIMD; ++i) {
        sum += block.shared[i];
    }
    return sum;
}

static RANDOM_ROTATE_ON_GPU uint32_t random_rotate_block_max(random_rotate_block block, uint32_t x) {
    x = random_rotate_simd_max(x);
    if (block.n_threads == RANDOM_ROTATE_SIMD) {
        return x;
    }
    random_rotate_barrier();
    if (block.me % RANDOM_ROTATE_SIMD == 0) {
        block.shared[block.me/RANDOM_ROTATE_SIMD] = random_rotate_as_float(x);
    }
    random_rotate_barrier();
    uint32_t max = 0;
    for (int32_t i = 0; i < block.n_threads/RANDOM_ROTATE_SIMD; ++i) {
        const uint32_t other = random_rotate_as_bits(block.shared[i]);
        max = other > max ? other : max;
    }
    return max;
}

// where in a row number n of a thread stands
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_slice_index(random_rotate_block block, int32_t n) {
    const int32_t counter = block.me + n/RANDOM_ROTATE_QUAD*block.n_threads;
    return RANDOM_ROTATE_GROUP*(counter/16) + 16*(n % RANDOM_ROTATE_QUAD) + counter % 16;
}

// a thread's numbers of a row of d random ones, and zeros after its end: normals, or uniforms for reference noise
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_draw_slice(random_rotate_block block, random_rotate_noise_key noise, uint32_t what_for,
        bool uniform, int32_t d, RANDOM_ROTATE_LOCAL float * g) {
    for (int q = 0; q < n_quads; ++q) {
        RANDOM_ROTATE_LOCAL float * quad = g + RANDOM_ROTATE_QUAD*q;

        uint32_t words[4];
        random_rotate_words(noise, what_for, 1 + block.me + q*block.n_threads, words);
        if (uniform) {
            for (int w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
                quad[w] = random_rotate_uniform(words[w]);
            }
        } else {
            random_rotate_normals(words[0], words[1], &quad[0], &quad[1]);
            random_rotate_normals(words[2], words[3], &quad[2], &quad[3]);
        }
        for (int w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            quad[w] = random_rotate_slice_index(block, RANDOM_ROTATE_QUAD*q + w) < d ? quad[w] : 0.0f;
        }
    }
}

// sum of the products of two rows
template <int n_quads>
static RANDOM_ROTATE_ON_GPU float random_rotate_slice_dot(random_rotate_block block, RANDOM_ROTATE_LOCAL const float * a,
        RANDOM_ROTATE_LOCAL const float * b) {
    float sum = 0.0f;
    for (int n = 0; n < RANDOM_ROTATE_QUAD*n_quads; ++n) {
        sum += a[n]*b[n];
    }
    return random_rotate_block_sum(block, sum);
}

// y -= a x; returns y.y
template <int n_quads>
static RANDOM_ROTATE_ON_GPU float random_rotate_slice_subtract(random_rotate_block block, RANDOM_ROTATE_LOCAL const float * x,
        RANDOM_ROTATE_LOCAL float * y, float a) {
    for (int n = 0; n < RANDOM_ROTATE_QUAD*n_quads; ++n) {
        y[n] -= a*x[n];
    }
    return random_rotate_slice_dot<n_quads>(block, y, y);
}

static RANDOM_ROTATE_ON_GPU void random_rotate_copy_row(random_rotate_block block, RANDOM_ROTATE_DEVICE const float * x,
        RANDOM_ROTATE_DEVICE float * y, int32_t d) {
    for (int32_t i = block.me; i < d; i += block.n_threads) {
        y[i] = x[i];
    }
}

// where a row is shortest; every thread looks for itself, as next to no row needs it
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_shortest_axis(RANDOM_ROTATE_DEVICE const float * x, int32_t d) {
    int32_t axis = 0;
    for (int32_t i = 1; i < d; ++i) {
        axis = random_rotate_abs(x[i]) < random_rotate_abs(x[axis]) ? i : axis;
    }
    return axis;
}

template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_turn_row(random_rotate_block block, random_rotate_noise_key noise,
        RANDOM_ROTATE_DEVICE const float * x, RANDOM_ROTATE_DEVICE float * y, int32_t d) {
    const int n_slice = RANDOM_ROTATE_QUAD*n_quads;

    float g[RANDOM_ROTATE_QUAD*n_quads];
    float v[RANDOM_ROTATE_QUAD*n_quads];
    random_rotate_draw_slice<n_quads>(block, noise, RANDOM_ROTATE_FOR_ROW, noise.reference != 0, d, g);

    float sine;
    float cosine;
    random_rotate_sin_cos_precise(random_rotate_angle(noise), &sine, &cosine);

    random_rotate_wait();
    for (int n = 0; n < n_slice; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        v[n] = i < d ? x[i] : 0.0f;
    }

    float scale   = 1.0f;
    float inverse = 1.0f;
    float xx      = random_rotate_slice_dot<n_quads>(block, v, v);
    if (!random_rotate_square_fits(xx)) {
        uint32_t max = 0; // as bits, which are ordered as the numbers are, infinity and NaN last
        for (int n = 0; n < n_slice; ++n) {
            const uint32_t bits = random_rotate_as_bits(v[n]) & 0x7fffffffu;
            max = bits > max ? bits : max;
        }
        max = random_rotate_block_max(block, max);
        random_rotate_scale(random_rotate_as_float(max), &scale, &inverse);
        for (int n = 0; n < n_slice; ++n) {
            v[n] *= scale;
        }
        xx = random_rotate_slice_dot<n_quads>(block, v, v);
        if (max == 0 || max >= 0x7f800000u || !random_rotate_square_fits(xx)) {
            random_rotate_copy_row(block, x, y, d); // nothing to turn, or nothing that could be
            return;
        }
    }

    const float gx = random_rotate_slice_dot<n_quads>(block, g, v);
    const float a  = gx/xx;

    float uu = random_rotate_slice_subtract<n_quads>(block, v, g, a);

    const int32_t next = random_rotate_orthogonality(uu, a, gx);
    if (next == RANDOM_ROTATE_PROJECT_AGAIN) {
        const float along = random_rotate_slice_dot<n_quads>(block, g, v);
        uu = random_rotate_slice_subtract<n_quads>(block, v, g, along/xx);
    } else if (next == RANDOM_ROTATE_PROJECT_AXIS) {
        const int32_t axis = random_rotate_shortest_axis(x, d);
        for (int n = 0; n < n_slice; ++n) {
            g[n] = random_rotate_slice_index(block, n) == axis ? 1.0f : 0.0f;
        }
        uu = random_rotate_slice_subtract<n_quads>(block, v, g, x[axis]*scale/xx);
    }

    const float b     = sine*random_rotate_sqrt(xx/uu);
    const float limit = 3.402823466e+38f*scale;
    for (int n = 0; n < n_slice; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        if (i < d) {
            const float turned = cosine*v[n] + b*g[n];
            y[i] = scale == 1.0f ? turned : (turned < -limit ? -limit : turned > limit ? limit : turned)*inverse;
        }
    }
}

// row: head + n_head*token
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_row(random_rotate_block block, random_rotate_rows_args args,
        RANDOM_ROTATE_DEVICE const char * x, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE float * y, int32_t row) {
    const int32_t head = row % args.n_head;
    const int32_t it   = row / args.n_head;

    const random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
        tokens + (int64_t) it*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, head);

    RANDOM_ROTATE_DEVICE const float * from = (RANDOM_ROTATE_DEVICE const float *) (x + head*args.x_nb1 + it*args.x_nb2);
    RANDOM_ROTATE_DEVICE float       * to   = y + (int64_t) row*args.d;

    if (noise.theta_max == 0.0f || args.d == 1 || (args.only >= 0 && args.only != noise.reference)) {
        random_rotate_wait();
        random_rotate_copy_row(block, from, to, args.d);
    } else {
        random_rotate_turn_row<n_quads>(block, noise, from, to, args.d);
    }
}
