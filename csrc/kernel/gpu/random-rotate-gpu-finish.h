// V on a GPU, the second kernel: adds up the chunks of a query, and draws its noise. One block of threads per row.

#pragma once

#include "random-rotate-gpu-values.h"

// y += w u, where u is g or, unless whole, the part of g orthogonal to v, divided by its length
static RANDOM_ROTATE_ON_GPU void random_rotate_add_direction(random_rotate_block block, RANDOM_ROTATE_LOCAL const float * v,
        RANDOM_ROTATE_LOCAL float * g, random_rotate_dots dots, bool whole, float w, RANDOM_ROTATE_LOCAL float * y) {
    float uu = dots.gg;
    if (!whole) {
        const float a = dots.gx/dots.xx;
        random_rotate_slice_add<1>(v, g, -a);
        uu -= a*dots.gx;
        if (!random_rotate_is_far_from_parallel(dots)) { // such as for d = 2
            const float along = random_rotate_slice_dot<1>(block, g, v);
            uu = random_rotate_slice_subtract<1>(block, v, g, along/dots.xx);
        }
    }
    random_rotate_slice_add<1>(g, y, uu > 0.0f ? w/random_rotate_sqrt(uu) : 0.0f);
}

// the random numbers of a row: this thread's part
struct random_rotate_row_noise {
    float heaviest[RANDOM_ROTATE_QUAD];
    float rest    [RANDOM_ROTATE_QUAD];
};

// adds the noise to y, this thread's part of a row's sum over all chunks; all: the sums for the noise; v:
// the value with the largest weight
static RANDOM_ROTATE_ON_GPU void random_rotate_add_noise(random_rotate_block block, random_rotate_noise_key noise,
        RANDOM_ROTATE_LOCAL random_rotate_row_noise * g, RANDOM_ROTATE_LOCAL const float * all, RANDOM_ROTATE_LOCAL const float * v, int32_t d,
        RANDOM_ROTATE_LOCAL float * y) {
    const float heaviest = all[RANDOM_ROTATE_PART_HEAVIEST];
    if (heaviest > 0.0f) {
        const random_rotate_dots dots = random_rotate_slice_dots<1>(block, v, g->heaviest);

        float w = heaviest;
        if (noise.reference) {
            float sum = 0.0f;
            for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
                sum += v[n];
            }
            sum = random_rotate_block_sum(block, sum);
            w   = heaviest*random_rotate_sqrt(random_rotate_mean_square((float) d, sum/random_rotate_sqrt(dots.xx)));
            random_rotate_slice_add<1>(v, y, 0.5f*heaviest*sum/dots.xx); // its share of the sums, because it is drawn in full below
        }
        random_rotate_add_direction(block, v, g->heaviest, dots, noise.turn == GGML_RANDOM_ROTATE_ADDITION, w, y);
    }
    const float ones  = noise.reference ? 0.5f*(all[RANDOM_ROTATE_PART_LEAN] - heaviest) : 0.0f;
    const float scale = random_rotate_rest_scale(noise.reference, all[RANDOM_ROTATE_PART_REST], (float) d);
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        y[n] += ones + scale*g->rest[n];
    }
}

// adds up what all chunks have for the noise; each SIMD group does so for itself
static RANDOM_ROTATE_ON_GPU void random_rotate_join_chunks(RANDOM_ROTATE_DEVICE const float * parts, int32_t n_chunks, int32_t d, int32_t me,
        RANDOM_ROTATE_LOCAL float * all) {
    for (int32_t chunk = me % RANDOM_ROTATE_SIMD; chunk < n_chunks; chunk += RANDOM_ROTATE_SIMD) {
        RANDOM_ROTATE_DEVICE const float * part = parts + (int64_t) chunk*(d + RANDOM_ROTATE_PART_SIZE) + d;
        random_rotate_add_part(all, part[RANDOM_ROTATE_PART_HEAVIEST], part[RANDOM_ROTATE_PART_CELL], part[RANDOM_ROTATE_PART_REST],
            part[RANDOM_ROTATE_PART_LEAN]);
    }
    random_rotate_join_parts(all);
}

// adds up the numbers of all chunks, in shared memory: with few numbers, several threads share the chunks of one
static RANDOM_ROTATE_ON_GPU void random_rotate_sum_chunks(RANDOM_ROTATE_DEVICE const float * parts, int32_t n_chunks, int32_t d, int32_t me,
        int32_t n_threads, RANDOM_ROTATE_SHARED float * sums) {
    int32_t n_side = RANDOM_ROTATE_SIMD;
    while (n_side < d && 2*n_side <= n_threads) {
        n_side *= 2;
    }
    const int32_t n_share = n_threads/n_side;
    for (int32_t i = me % n_side; i < (d > n_side ? d : n_side); i += n_side) {
        float sum = 0.0f;
        for (int32_t chunk = me / n_side; chunk < n_chunks && i < d; chunk += n_share) {
            sum += parts[(int64_t) chunk*(d + RANDOM_ROTATE_PART_SIZE) + i];
        }
        sums[n_share > 1 ? me : i] = sum;
    }
    random_rotate_barrier();
    if (n_share > 1) {
        float sum = 0.0f;
        for (int32_t other = me; other < n_threads; other += n_side) {
            sum += sums[other];
        }
        random_rotate_barrier();
        if (me < n_side) {
            sums[me] = sum;
        }
        random_rotate_barrier();
    }
}

// row: it + n_tokens*(head + n_head*stream)
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_values_finish(int32_t me, int32_t n_threads, random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const char * v, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const float * parts, RANDOM_ROTATE_DEVICE float * y, int32_t row,
        RANDOM_ROTATE_SHARED random_rotate_finish_shared * shared) {
    const int32_t it     = row % args.n_tokens;
    const int32_t head   = row / args.n_tokens % args.n_head;
    const int32_t stream = row / args.n_tokens / args.n_head;
    const int32_t d      = args.d;

    // short rows are turned by one SIMD group, which needs no barriers
    random_rotate_block block;
    block.me        = me;
    block.n_threads = d <= RANDOM_ROTATE_QUAD*RANDOM_ROTATE_SIMD ? RANDOM_ROTATE_SIMD : n_threads;
    block.shared    = shared->simd;

    const random_rotate_noise_key noise = random_rotate_noise_key_of_reader(args, doses, tokens, it, head, stream);
    random_rotate_row_noise g;
    if (noise.theta_max != 0.0f) {
        random_rotate_draw_slice<1>(block, noise, RANDOM_ROTATE_FOR_HEAVIEST, noise.reference != 0, d, g.heaviest);
        random_rotate_draw_slice<1>(block, noise, RANDOM_ROTATE_FOR_REST, false, d, g.rest);
    }

    random_rotate_wait();
    parts += (int64_t) args.n_chunks*row*(d + RANDOM_ROTATE_PART_SIZE);

    float all[RANDOM_ROTATE_PART_SIZE] = {};
    float heaviest[RANDOM_ROTATE_QUAD] = {};
    if (noise.theta_max != 0.0f && me < block.n_threads) {
        const random_rotate_cache_head values = random_rotate_value_head_of(args, v, head/(args.n_head/args.n_head_kv), stream);
        random_rotate_join_chunks(parts, args.n_chunks, d, me, all);
        for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
            const int32_t i = random_rotate_slice_index(block, n);
            heaviest[n] = i < d ? random_rotate_number_at<cache>(values, (int32_t) all[RANDOM_ROTATE_PART_CELL], i) : 0.0f;
        }
    }
    random_rotate_sum_chunks(parts, args.n_chunks, d, me, n_threads, shared->sum);
    if (me >= block.n_threads) {
        return;
    }
    float sum[RANDOM_ROTATE_QUAD];
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        sum[n] = i < d ? shared->sum[i] : 0.0f;
    }
    if (noise.theta_max != 0.0f) {
        random_rotate_add_noise(block, noise, &g, all, heaviest, d, sum);
    }
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        if (i < d) {
            y[(int64_t) row*d + i] = sum[n];
        }
    }
}
