// Turning a row on a GPU, with one block of threads per row. CUDA and Metal compile this file, each with its own
//
//   RANDOM_ROTATE_ON_GPU                         qualifiers of a function that runs there
//   random_rotate_simd_sum(x)                    sum over the 32 threads of a SIMD group, returned to all of them
//   random_rotate_simd_max(x)                    maximum of their unsigned numbers
//   random_rotate_simd_xor(x, mask)              x of the thread whose index differs by mask
//   random_rotate_barrier()                      waits for all threads of the block and for shared memory
//   random_rotate_wait()                         waits for the results of earlier kernels; noise does not need them
//
// A thread draws the four numbers that one counter gives, and keeps them and the matching part of the row in registers: numbers 64
// (c/16) + 16 w + c%16, w < 4, of counters c = thread, thread + n_threads, ... (n_quads counters).

#pragma once

#include "random-rotate-args.h"
#include "random-rotate-gpu-thread.h"

// the threads that work together, and shared memory for RANDOM_ROTATE_SIMD_SUMS numbers
struct random_rotate_block {
    int32_t me;
    int32_t n_threads; // a multiple of 32
    RANDOM_ROTATE_SHARED float * shared;
};

// sum over a block, returned to all of its threads
static RANDOM_ROTATE_ON_GPU float random_rotate_block_sum(random_rotate_block block, float x) {
    x = random_rotate_simd_sum(x);
    if (block.n_threads == RANDOM_ROTATE_SIMD) {
        return x;
    }
    random_rotate_barrier(); // the previous contents of shared memory have been read
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

// the same for three numbers at once, which takes as long as one
static RANDOM_ROTATE_ON_GPU void random_rotate_block_sum_three(random_rotate_block block, RANDOM_ROTATE_LOCAL float * x) {
    for (int k = 0; k < 3; ++k) {
        x[k] = random_rotate_simd_sum(x[k]);
    }
    if (block.n_threads == RANDOM_ROTATE_SIMD) {
        return;
    }
    random_rotate_barrier(); // the previous contents of shared memory have been read
    for (int k = 0; k < 3 && block.me % RANDOM_ROTATE_SIMD == 0; ++k) {
        block.shared[3*(block.me/RANDOM_ROTATE_SIMD) + k] = x[k];
    }
    random_rotate_barrier();
    for (int k = 0; k < 3; ++k) {
        x[k] = 0.0f;
    }
    for (int32_t i = 0; i < block.n_threads/RANDOM_ROTATE_SIMD; ++i) {
        for (int k = 0; k < 3; ++k) {
            x[k] += block.shared[3*i + k];
        }
    }
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

// index in the row of number n of a thread
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_slice_index(random_rotate_block block, int32_t n) {
    const int32_t counter = block.me + n/RANDOM_ROTATE_QUAD*block.n_threads;
    return RANDOM_ROTATE_GROUP*(counter/16) + 16*(n % RANDOM_ROTATE_QUAD) + counter % 16;
}

// a thread's numbers of a row of d random numbers, padded with zeros: normals, or uniforms for reference noise
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_draw_slice(random_rotate_block block, random_rotate_noise_key noise, uint32_t what_for,
        bool uniform, int32_t d, RANDOM_ROTATE_LOCAL float * g) {
    for (int q = 0; q < n_quads; ++q) {
        RANDOM_ROTATE_LOCAL float * quad = g + RANDOM_ROTATE_QUAD*q;
        random_rotate_draw_quad(noise, what_for, uniform, 1 + block.me + q*block.n_threads, quad);
        for (int w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            quad[w] = random_rotate_slice_index(block, RANDOM_ROTATE_QUAD*q + w) < d ? quad[w] : 0.0f;
        }
    }
}

// dot product of two rows
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

// x.x, g.x and g.g
struct random_rotate_dots {
    float xx;
    float gx;
    float gg;
};

template <int n_quads>
static RANDOM_ROTATE_ON_GPU random_rotate_dots random_rotate_slice_dots(random_rotate_block block, RANDOM_ROTATE_LOCAL const float * x,
        RANDOM_ROTATE_LOCAL const float * g) {
    float sums[3] = { 0.0f, 0.0f, 0.0f };
    for (int n = 0; n < RANDOM_ROTATE_QUAD*n_quads; ++n) {
        sums[0] += x[n]*x[n];
        sums[1] += g[n]*x[n];
        sums[2] += g[n]*g[n];
    }
    random_rotate_block_sum_three(block, sums);

    random_rotate_dots dots;
    dots.xx = sums[0];
    dots.gx = sums[1];
    dots.gg = sums[2];
    return dots;
}

// whether y.y of y = g - a x can be computed without y: unless g and x are nearly parallel, which is common only in few dimensions
static RANDOM_ROTATE_ON_GPU bool random_rotate_is_far_from_parallel(random_rotate_dots dots) {
    return dots.gg - dots.gx*dots.gx/dots.xx > 0.5f*dots.gg;
}

// y += a x
template <int n_quads>
static RANDOM_ROTATE_ON_GPU void random_rotate_slice_add(RANDOM_ROTATE_LOCAL const float * x, RANDOM_ROTATE_LOCAL float * y, float a) {
    for (int n = 0; n < RANDOM_ROTATE_QUAD*n_quads; ++n) {
        y[n] += a*x[n];
    }
}

static RANDOM_ROTATE_ON_GPU void random_rotate_copy_row(random_rotate_block block, RANDOM_ROTATE_DEVICE const float * x,
        RANDOM_ROTATE_DEVICE float * y, int32_t d) {
    for (int32_t i = block.me; i < d; i += block.n_threads) {
        y[i] = x[i];
    }
}

// axis along which a row is shortest; every thread searches on its own, because very few rows need this
static RANDOM_ROTATE_ON_GPU int32_t random_rotate_shortest_axis(RANDOM_ROTATE_DEVICE const float * x, int32_t d) {
    int32_t axis = 0;
    for (int32_t i = 1; i < d; ++i) {
        axis = random_rotate_abs(x[i]) < random_rotate_abs(x[axis]) ? i : axis;
    }
    return axis;
}
