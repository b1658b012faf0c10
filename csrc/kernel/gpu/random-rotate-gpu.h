// Turning rows on a GPU, with one block of threads per row. A thread keeps its random numbers and its part of
// the row in registers if they fit.

#pragma once

#include "random-rotate-gpu-long.h"

// a thread's numbers for a row of d, for any kind of noise, padded with zeros
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_draw_row(random_rotate_block block, random_rotate_noise_key noise, int32_t d,
        RANDOM_ROTATE_LOCAL float * g) {
    for (int q = 0; q < n_quads; ++q) {
        RANDOM_ROTATE_LOCAL float * quad = g + RANDOM_ROTATE_QUAD*q;
        random_rotate_draw_row_quad(noise, d, block.me + q*block.n_threads, quad);
        for (int w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            quad[w] = random_rotate_slice_index(block, RANDOM_ROTATE_QUAD*q + w) < d ? quad[w] : 0.0f;
        }
    }
}

// makes g orthogonal to v, the row x times scale; returns what remains of g.g
template <int n_quads>
static RANDOM_ROTATE_ON_GPU float random_rotate_make_orthogonal(random_rotate_block block, random_rotate_dots dots,
        RANDOM_ROTATE_DEVICE const float * x, float scale, int32_t d, RANDOM_ROTATE_LOCAL const float * v, RANDOM_ROTATE_LOCAL float * g) {
    const float a = dots.gx/dots.xx;
    if (random_rotate_is_far_from_parallel(dots)) {
        random_rotate_slice_add<n_quads>(v, g, -a);
        return dots.gg - a*dots.gx;
    }

    float yy = random_rotate_slice_subtract<n_quads>(block, v, g, a);

    const int32_t next = random_rotate_orthogonality(yy, a, dots.gx);
    if (next == RANDOM_ROTATE_PROJECT_AGAIN) {
        const float along = random_rotate_slice_dot<n_quads>(block, g, v);
        yy = random_rotate_slice_subtract<n_quads>(block, v, g, along/dots.xx);
    } else if (next == RANDOM_ROTATE_PROJECT_AXIS) {
        const int32_t axis = random_rotate_shortest_axis(x, d);
        for (int n = 0; n < RANDOM_ROTATE_QUAD*n_quads; ++n) {
            g[n] = random_rotate_slice_index(block, n) == axis ? 1.0f : 0.0f;
        }
        yy = random_rotate_slice_subtract<n_quads>(block, v, g, x[axis]*scale/dots.xx);
    }
    return yy;
}

template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_turn_row(random_rotate_block block, random_rotate_noise_key noise,
        RANDOM_ROTATE_DEVICE const float * x, RANDOM_ROTATE_DEVICE float * y, int32_t d) {
    const int n_slice = RANDOM_ROTATE_QUAD*n_quads;

    float g[RANDOM_ROTATE_QUAD*n_quads];
    float v[RANDOM_ROTATE_QUAD*n_quads];
    random_rotate_draw_row<n_quads>(block, noise, d, g);
    const float angle = random_rotate_angle(noise);

    random_rotate_wait();
    for (int n = 0; n < n_slice; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        v[n] = i < d ? x[i] : 0.0f;
    }

    float scale   = 1.0f;
    float inverse = 1.0f;
    random_rotate_dots dots = random_rotate_slice_dots<n_quads>(block, v, g);
    if (!random_rotate_square_fits(dots.xx)) {
        uint32_t max = 0; // as bits, which are ordered like the numbers, with infinity and NaN last
        for (int n = 0; n < n_slice; ++n) {
            const uint32_t bits = random_rotate_as_bits(v[n]) & 0x7fffffffu;
            max = bits > max ? bits : max;
        }
        max = random_rotate_block_max(block, max);
        random_rotate_scale(random_rotate_as_float(max), scale, inverse);
        for (int n = 0; n < n_slice; ++n) {
            v[n] *= scale;
        }
        dots = random_rotate_slice_dots<n_quads>(block, v, g);
        if (max == 0 || max >= 0x7f800000u || !random_rotate_square_fits(dots.xx)) {
            random_rotate_copy_row(block, x, y, d); // nothing to turn, or nothing that can be turned
            return;
        }
    }

    const float yy = noise.turn == GGML_RANDOM_ROTATE_ROTATION ?
        random_rotate_make_orthogonal<n_quads>(block, dots, x, scale, d, v, g) : dots.gg;

    const random_rotate_mix mix = random_rotate_mix_of(noise, angle, dots.xx, dots.gx, yy);
    for (int n = 0; n < n_slice; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        if (i < d) {
            y[i] = random_rotate_mixed(mix, v[n], g[n], scale, inverse);
        }
    }
}

// adds a number of Uniform(0, theta_max) to each element
static RANDOM_ROTATE_ON_GPU void random_rotate_add_to_elements(random_rotate_long_row row, random_rotate_noise_key noise) {
    random_rotate_wait(); // an earlier kernel may still read the memory of y
    random_rotate_long_draw(row, noise);
    for (int32_t n = 0; n < row.n_own; ++n) {
        const int32_t i = random_rotate_slice_index(row.block, n);
        if (i < row.d) {
            row.y[i] = row.x[i] + noise.theta_max*row.y[i];
        }
    }
}

// row: head + n_head*token
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_row(random_rotate_block block, random_rotate_rows_args args,
        RANDOM_ROTATE_DEVICE const char * x, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const char * heads, RANDOM_ROTATE_DEVICE float * y, int32_t row) {
    const int32_t head = row % args.n_head;
    const int32_t it   = row / args.n_head;
    if (args.named) {
        random_rotate_wait();
    }
    const int32_t name = args.named ? *(RANDOM_ROTATE_DEVICE const int32_t *) (heads + head*args.heads_nb0 + it*args.heads_nb1) + 1 : head;

    const random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
        tokens + (int64_t) it*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, name);

    RANDOM_ROTATE_DEVICE const float * from = (RANDOM_ROTATE_DEVICE const float *) (x + head*args.x_nb1 + it*args.x_nb2);
    RANDOM_ROTATE_DEVICE float       * to   = y + (int64_t) row*args.d;

    if (noise.theta_max == 0.0f || args.d == 1 || (args.only >= 0 && args.only != noise.reference)) {
        random_rotate_wait();
        random_rotate_copy_row(block, from, to, args.d);
    } else if (noise.turn == GGML_RANDOM_ROTATE_ELEMENTWISE) {
        random_rotate_add_to_elements(random_rotate_long_row_of(block, from, to, args.d), noise);
    } else if (n_quads == 0) {
        random_rotate_turn_long_row(random_rotate_long_row_of(block, from, to, args.d), noise);
    } else {
        random_rotate_turn_row<n_quads == 0 ? 1 : n_quads>(block, noise, from, to, args.d);
    }
}
