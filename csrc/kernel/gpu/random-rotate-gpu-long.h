// Rows too long for the registers of a block's threads, such as an MLP's: the random numbers are kept where the result will be
// written. A thread uses the same numbers in each pass, so no synchronisation is needed.

#pragma once

#include "random-rotate-gpu-row.h"

// a thread's view of a row: its numbers n < n_own with index(n) < d
struct random_rotate_long_row {
    random_rotate_block                block;
    RANDOM_ROTATE_DEVICE const float * x;
    RANDOM_ROTATE_DEVICE float       * y;
    int32_t                            d;
    int32_t                            n_own;
    float                              scale; // factor on x
};

static RANDOM_ROTATE_ON_GPU random_rotate_long_row random_rotate_long_row_of(random_rotate_block block, RANDOM_ROTATE_DEVICE const float * x,
        RANDOM_ROTATE_DEVICE float * y, int32_t d) {
    const int32_t n_counters = (d + RANDOM_ROTATE_GROUP - 1)/RANDOM_ROTATE_GROUP*16;

    random_rotate_long_row row;
    row.block = block;
    row.x     = x;
    row.y     = y;
    row.d     = d;
    row.n_own = (n_counters + block.n_threads - 1)/block.n_threads*RANDOM_ROTATE_QUAD;
    row.scale = 1.0f;
    return row;
}

// y = d random numbers
static RANDOM_ROTATE_ON_GPU void random_rotate_long_draw(random_rotate_long_row row, random_rotate_noise_key noise) {
    for (int32_t n = 0; n < row.n_own; n += RANDOM_ROTATE_QUAD) {
        const int32_t counter = row.block.me + n/RANDOM_ROTATE_QUAD*row.block.n_threads;

        float quad[RANDOM_ROTATE_QUAD];
        random_rotate_draw_row_quad(noise, row.d, counter, quad);
        for (int w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            const int32_t i = random_rotate_slice_index(row.block, n + w);
            if (i < row.d) {
                row.y[i] = quad[w];
            }
        }
    }
}

// x.x, x.y and y.y after y -= a x
struct random_rotate_long_dots {
    float xx;
    float xy;
    float yy;
};

static RANDOM_ROTATE_ON_GPU random_rotate_long_dots random_rotate_long_subtract(random_rotate_long_row row, float a) {
    random_rotate_long_dots dots = { 0.0f, 0.0f, 0.0f };
    for (int32_t n = 0; n < row.n_own; ++n) {
        const int32_t i = random_rotate_slice_index(row.block, n);
        if (i < row.d) {
            const float x = row.x[i]*row.scale;
            const float y = row.y[i] - a*x;
            row.y[i] = y;
            dots.xx += x*x;
            dots.xy += x*y;
            dots.yy += y*y;
        }
    }
    dots.xx = random_rotate_block_sum(row.block, dots.xx);
    dots.xy = random_rotate_block_sum(row.block, dots.xy);
    dots.yy = random_rotate_block_sum(row.block, dots.yy);
    return dots;
}

// bits of the largest |x|
static RANDOM_ROTATE_ON_GPU uint32_t random_rotate_long_max(random_rotate_long_row row) {
    uint32_t max = 0;
    for (int32_t n = 0; n < row.n_own; ++n) {
        const int32_t i = random_rotate_slice_index(row.block, n);
        if (i < row.d) {
            const uint32_t bits = random_rotate_as_bits(row.x[i]) & 0x7fffffffu;
            max = bits > max ? bits : max;
        }
    }
    return random_rotate_block_max(row.block, max);
}

// y = unit vector along the axis on which x is shortest
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_long_axis(random_rotate_long_row row) {
    const int32_t axis = random_rotate_shortest_axis(row.x, row.d);
    for (int32_t n = 0; n < row.n_own; ++n) {
        const int32_t i = random_rotate_slice_index(row.block, n);
        if (i < row.d) {
            row.y[i] = i == axis ? 1.0f : 0.0f;
        }
    }
    return axis;
}

static RANDOM_ROTATE_ON_GPU void random_rotate_turn_long_row(random_rotate_long_row row, random_rotate_noise_key noise) {
    random_rotate_wait(); // an earlier kernel may still read the memory of y
    random_rotate_long_draw(row, noise);

    float inverse = 1.0f;
    random_rotate_long_dots dots = random_rotate_long_subtract(row, 0.0f);
    if (!random_rotate_square_fits(dots.xx)) {
        const uint32_t max = random_rotate_long_max(row);
        random_rotate_scale(random_rotate_as_float(max), row.scale, inverse);
        dots = random_rotate_long_subtract(row, 0.0f);
        if (max == 0 || max >= 0x7f800000u || !random_rotate_square_fits(dots.xx)) {
            for (int32_t n = 0; n < row.n_own; ++n) { // nothing to turn, or nothing that can be turned
                const int32_t i = random_rotate_slice_index(row.block, n);
                if (i < row.d) {
                    row.y[i] = row.x[i];
                }
            }
            return;
        }
    }

    float yy = dots.yy;
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        const float a = dots.xy/dots.xx;
        random_rotate_long_dots rest = random_rotate_long_subtract(row, a);

        const int32_t next = random_rotate_orthogonality(rest.yy, a, dots.xy);
        if (next == RANDOM_ROTATE_PROJECT_AGAIN) {
            rest = random_rotate_long_subtract(row, rest.xy/dots.xx);
        } else if (next == RANDOM_ROTATE_PROJECT_AXIS) {
            const int32_t axis = random_rotate_long_axis(row);
            rest = random_rotate_long_subtract(row, row.x[axis]*row.scale/dots.xx);
        }
        yy = rest.yy;
    }

    const random_rotate_mix mix = random_rotate_mix_of(noise, random_rotate_angle(noise), dots.xx, dots.xy, yy);
    for (int32_t n = 0; n < row.n_own; ++n) {
        const int32_t i = random_rotate_slice_index(row.block, n);
        if (i < row.d) {
            row.y[i] = random_rotate_mixed(mix, row.x[i]*row.scale, row.y[i], row.scale, inverse);
        }
    }
}
