// V on a GPU: sums of turned values. A block of 128 threads sums a chunk of the cells of one value head, for four of the queries
// that read them; a second kernel adds up the chunks of a query and draws its noise. The formulas are in random-rotate-attend.h.

#pragma once

#include "random-rotate-gpu-scores.h"

// the values of one head
struct random_rotate_value_head {
    RANDOM_ROTATE_DEVICE const char * v;
    uint64_t stride; // between cells, or between numbers if transposed
    bool     transposed;
};

static RANDOM_ROTATE_ON_GPU random_rotate_value_head random_rotate_value_head_of(random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const char * v, int32_t head_kv, int32_t stream) {
    random_rotate_value_head values;
    values.v          = v + head_kv*args.v_nb2 + stream*args.v_nb3;
    values.stride     = args.v_nb1;
    values.transposed = args.transposed != 0;
    return values;
}

template <typename cache>
static RANDOM_ROTATE_ON_GPU float random_rotate_value_at(random_rotate_value_head values, int32_t cell, int32_t i) {
    return values.transposed ? cache::at(values.v + i*values.stride, cell) : cache::at(values.v + cell*values.stride, i);
}

static RANDOM_ROTATE_ON_GPU random_rotate_noise_key random_rotate_noise_key_of_reader(random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens, int32_t it, int32_t head, int32_t stream) {
    random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
        tokens + (int64_t) (stream*args.n_tokens + it)*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, head);
    noise.theta_max = args.d == 1 ? 0.0f : noise.theta_max; // one dimension: nothing to turn
    return noise;
}

// measures n cells: |v| and s1(v)/|v|; threads cooperate on numbers that are adjacent in memory
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_measure_values(random_rotate_value_head values, int32_t cell, int32_t n, int32_t d,
        int32_t me, RANDOM_ROTATE_SHARED random_rotate_values_shared * shared) {
    const int32_t n_together = values.transposed ? 1 : 8;
    const int32_t n_rounds   = (n + RANDOM_ROTATE_THREADS/n_together - 1)/(RANDOM_ROTATE_THREADS/n_together);
    for (int32_t round = 0; round < n_rounds; ++round) {
        const int32_t j = me/n_together + round*(RANDOM_ROTATE_THREADS/n_together);

        float square = 0.0f;
        float sum    = 0.0f;
        for (int32_t i = me % n_together; i < d && j < n; i += n_together) {
            const float x = random_rotate_value_at<cache>(values, cell + j, i);
            square += x*x;
            sum    += x;
        }
        if (!values.transposed) {
            square = random_rotate_octet_sum(square);
            sum    = random_rotate_octet_sum(sum);
        }
        if (me % n_together == 0 && j < n) {
            const float norm = random_rotate_sqrt(square);
            shared->norm[j] = norm;
            shared->lean[j] = norm > 0.0f ? sum/norm : 0.0f;
        }
    }
}

// the factors for the values of n cells for one query; part: this thread's sums for the noise of the row
static RANDOM_ROTATE_ON_GPU void random_rotate_weigh_values(random_rotate_noise_key noise, RANDOM_ROTATE_DEVICE const float * p,
        RANDOM_ROTATE_DEVICE const int32_t * positions, int32_t cell, int32_t n, int32_t d, int32_t me, RANDOM_ROTATE_SHARED float * factor,
        RANDOM_ROTATE_SHARED random_rotate_values_shared * shared, RANDOM_ROTATE_LOCAL float * part) {
    for (int32_t j = me; j < n; j += RANDOM_ROTATE_THREADS) {
        const float pj = p[cell + j];
        if (noise.theta_max == 0.0f) {
            factor[j] = pj;
            continue;
        }
        const uint32_t position = (uint32_t) positions[cell + j];
        const bool     turns    = (int32_t) position >= noise.n_sink;

        uint32_t words[4];
        float    weight;
        if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
            random_rotate_words(noise, RANDOM_ROTATE_FOR_VALUES, random_rotate_quad_counter(position), words);
            const uint32_t word  = random_rotate_choose_single(position, words[0], words[1], words[2], words[3]);
            float sine;
            float cosine;
            random_rotate_sin_cos(random_rotate_angle_of(noise, random_rotate_uniform(word)), &sine, &cosine);
            factor[j] = random_rotate_weigh(sine, cosine, noise.reference, (float) d, turns, pj, shared->norm[j], shared->lean[j], &weight);
        } else {
            uint32_t w0;
            uint32_t w1;
            random_rotate_words(noise, RANDOM_ROTATE_FOR_ADDED, random_rotate_pair_counter(position), words);
            random_rotate_choose_pair(position, words[0], words[1], words[2], words[3], &w0, &w1);
            factor[j] = random_rotate_weigh_added(noise, random_rotate_shares_of(noise), random_rotate_power(d), w0, w1, turns, pj, shared->norm[j], &weight);
        }
        random_rotate_add_part(part, weight, (float) (cell + j), 0.0f, weight);
    }
}

// sums over n cells for all queries, stored in their parts (first) or added to them; numbers that are
// adjacent in memory are read together
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_sum_values(random_rotate_value_head values, int32_t cell, int32_t n, int32_t d, bool first,
        int32_t me, RANDOM_ROTATE_SHARED random_rotate_values_shared * shared, RANDOM_ROTATE_DEVICE float * const RANDOM_ROTATE_LOCAL * parts,
        int32_t n_rows) {
    // transposed: one SIMD group per number; otherwise one thread per number, or several if there are few numbers
    const int32_t n_side   = values.transposed ? RANDOM_ROTATE_THREADS/RANDOM_ROTATE_SIMD : d <= 32 ? 32 : d <= 64 ? 64 : 128;
    const int32_t n_shares = RANDOM_ROTATE_THREADS/n_side;
    const int32_t side     = values.transposed ? me/n_shares : me % n_side;
    const int32_t share    = values.transposed ? me % n_shares : me / n_side;

    for (int32_t base = 0; base < d; base += n_side) {
        const int32_t i = base + side;

        float sum[RANDOM_ROTATE_ROWS] = {};
        for (int32_t j = share; j < n && i < d; j += n_shares) {
            const float x = random_rotate_value_at<cache>(values, cell + j, i);
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                sum[r] += shared->factor[r][j]*x;
            }
        }
        if (values.transposed) {
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                sum[r] = random_rotate_simd_sum(sum[r]);
            }
        } else if (n_shares > 1) {
            random_rotate_barrier(); // the previous contents of shared memory have been read
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                shared->sum[r][me] = sum[r];
            }
            random_rotate_barrier();
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                for (int32_t other = 1; other < n_shares && share == 0; ++other) {
                    sum[r] += shared->sum[r][side + other*n_side];
                }
            }
        }
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            if (r < n_rows && share == 0 && i < d) {
                parts[r][i] = first ? sum[r] : parts[r][i] + sum[r];
            }
        }
    }
}

// combines the sums of all threads for the noise of the queries
static RANDOM_ROTATE_ON_GPU void random_rotate_join_parts(RANDOM_ROTATE_LOCAL float * part, int32_t me,
        RANDOM_ROTATE_SHARED random_rotate_values_shared * shared, RANDOM_ROTATE_DEVICE float * const RANDOM_ROTATE_LOCAL * parts, int32_t n_rows, int32_t d) {
    for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
        RANDOM_ROTATE_LOCAL float * own = part + r*RANDOM_ROTATE_PART_SIZE;
        for (int mask = RANDOM_ROTATE_SIMD/2; mask > 0; mask /= 2) {
            const float heaviest = random_rotate_simd_xor(own[RANDOM_ROTATE_PART_HEAVIEST], mask);
            const float cell     = random_rotate_simd_xor(own[RANDOM_ROTATE_PART_CELL],     mask);
            const float rest     = random_rotate_simd_xor(own[RANDOM_ROTATE_PART_REST],     mask);
            const float lean     = random_rotate_simd_xor(own[RANDOM_ROTATE_PART_LEAN],     mask);
            random_rotate_add_part(own, heaviest, cell, rest, lean);
        }
        for (int f = 0; f < RANDOM_ROTATE_PART_SIZE && me % RANDOM_ROTATE_SIMD == 0; ++f) {
            shared->part[r][me/RANDOM_ROTATE_SIMD][f] = own[f];
        }
    }
    random_rotate_barrier();
    for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
        if (r != me || r >= n_rows) {
            continue;
        }
        float all[RANDOM_ROTATE_PART_SIZE] = {};
        for (int s = 0; s < RANDOM_ROTATE_THREADS/RANDOM_ROTATE_SIMD; ++s) {
            RANDOM_ROTATE_SHARED const float * of = shared->part[r][s];
            random_rotate_add_part(all, of[RANDOM_ROTATE_PART_HEAVIEST], of[RANDOM_ROTATE_PART_CELL], of[RANDOM_ROTATE_PART_REST],
                of[RANDOM_ROTATE_PART_LEAN]);
        }
        for (int f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
            parts[r][d + f] = all[f];
        }
    }
}

// chunk: of cells, row: first query; head_kv, stream: of the values
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_values_block(random_rotate_values_args args, RANDOM_ROTATE_DEVICE const char * p,
        RANDOM_ROTATE_DEVICE const char * v, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const int32_t * cells, RANDOM_ROTATE_DEVICE float * parts, int32_t chunk, int32_t row, int32_t head_kv,
        int32_t stream, int32_t me, RANDOM_ROTATE_SHARED random_rotate_values_shared * shared) {
    const int32_t n_group = args.n_head/args.n_head_kv;
    const random_rotate_value_head values = random_rotate_value_head_of(args, v, head_kv, stream);

    random_rotate_noise_key            noise[RANDOM_ROTATE_ROWS];
    RANDOM_ROTATE_DEVICE const float * weights[RANDOM_ROTATE_ROWS];
    RANDOM_ROTATE_DEVICE float       * to[RANDOM_ROTATE_ROWS];
    int32_t n_rows = 0;
    bool    dosed  = false;
    for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
        const random_rotate_reader reader = random_rotate_reader_of(row + r, args.n_tokens, n_group, head_kv);
        noise[r]   = random_rotate_noise_key_of_reader(args, doses, tokens, reader.it, reader.head, stream);
        weights[r] = (RANDOM_ROTATE_DEVICE const float *) (p + reader.it*args.p_nb1 + reader.head*args.p_nb2 + stream*args.p_nb3);
        to[r]      = parts + (chunk + args.n_chunks*(reader.it + (int64_t) args.n_tokens*(reader.head + args.n_head*stream)))*
            (args.d + RANDOM_ROTATE_PART_SIZE);
        n_rows += reader.exists ? 1 : 0;
        dosed   = dosed || noise[r].theta_max != 0.0f;
    }
    float part[RANDOM_ROTATE_ROWS*RANDOM_ROTATE_PART_SIZE] = {};

    random_rotate_wait();
    const int32_t begin = chunk*args.n_chunk;
    const int32_t end   = begin + args.n_chunk < args.n_kv ? begin + args.n_chunk : args.n_kv;
    for (int32_t cell = begin; cell < end; cell += RANDOM_ROTATE_VALUES_TILE) {
        const int32_t n = end - cell < RANDOM_ROTATE_VALUES_TILE ? end - cell : RANDOM_ROTATE_VALUES_TILE;
        if (dosed) {
            random_rotate_measure_values<cache>(values, cell, n, args.d, me, shared);
        }
        random_rotate_barrier();
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            random_rotate_weigh_values(noise[r], weights[r], cells + stream*args.n_kv, cell, n, args.d, me, shared->factor[r], shared,
                part + r*RANDOM_ROTATE_PART_SIZE);
        }
        random_rotate_barrier();
        random_rotate_sum_values<cache>(values, cell, n, args.d, cell == begin, me, shared, to, n_rows);
        random_rotate_barrier();
    }
    random_rotate_join_parts(part, me, shared, to, n_rows, args.d);
}

// y += w u, where u is g or, unless whole, the part of g orthogonal to v, divided by its length; projects twice, for rows where
// little of g remains, such as d = 2
static RANDOM_ROTATE_ON_GPU void random_rotate_add_direction(random_rotate_block block, RANDOM_ROTATE_LOCAL const float * v,
        RANDOM_ROTATE_LOCAL float * g, float vv, bool whole, float w, RANDOM_ROTATE_LOCAL float * y) {
    float gv = random_rotate_slice_dot<1>(block, g, v);
    random_rotate_slice_subtract<1>(block, v, g, whole ? 0.0f : gv/vv);
    gv = random_rotate_slice_dot<1>(block, g, v);
    const float uu = random_rotate_slice_subtract<1>(block, v, g, whole ? 0.0f : gv/vv);

    const float scale = uu > 0.0f ? w/random_rotate_sqrt(uu) : 0.0f;
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        y[n] += scale*g[n];
    }
}

// adds the noise to y, this thread's part of a row's sum over all chunks; all: the sums for the noise; v:
// the value with the largest weight
static RANDOM_ROTATE_ON_GPU void random_rotate_add_noise(random_rotate_block block, random_rotate_noise_key noise,
        RANDOM_ROTATE_LOCAL const float * all, RANDOM_ROTATE_LOCAL const float * v, int32_t d, RANDOM_ROTATE_LOCAL float * y) {
    const float heaviest = all[RANDOM_ROTATE_PART_HEAVIEST];

    float g[RANDOM_ROTATE_QUAD];
    if (heaviest > 0.0f) {
        const float vv = random_rotate_slice_dot<1>(block, v, v);

        float w    = heaviest;
        float fold = 0.0f; // removes its share of the sums, because it is drawn in full below
        if (noise.reference) {
            float sum = 0.0f;
            for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
                sum += v[n];
            }
            sum  = random_rotate_block_sum(block, sum);
            fold = 0.5f*heaviest*sum/vv;
            w    = heaviest*random_rotate_sqrt(random_rotate_mean_square((float) d, sum/random_rotate_sqrt(vv)));
        }
        for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
            y[n] += fold*v[n];
        }
        random_rotate_draw_slice<1>(block, noise, RANDOM_ROTATE_FOR_HEAVIEST, noise.reference != 0, d, g);
        random_rotate_add_direction(block, v, g, vv, noise.turn == GGML_RANDOM_ROTATE_ADDITION, w, y);
    }
    const float ones  = noise.reference ? 0.5f*(all[RANDOM_ROTATE_PART_LEAN] - heaviest) : 0.0f;
    const float scale = random_rotate_rest_scale(noise.reference, all[RANDOM_ROTATE_PART_REST], (float) d);
    random_rotate_draw_slice<1>(block, noise, RANDOM_ROTATE_FOR_REST, false, d, g);
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        y[n] += ones + scale*g[n];
    }
}

// the second kernel, with one block per row: it + n_tokens*(head + n_head*stream)
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_values_finish(random_rotate_block block, random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const char * v, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const float * parts, RANDOM_ROTATE_DEVICE float * y, int32_t row) {
    const int32_t it     = row % args.n_tokens;
    const int32_t head   = row / args.n_tokens % args.n_head;
    const int32_t stream = row / args.n_tokens / args.n_head;
    const int32_t d      = args.d;

    random_rotate_wait();
    float sum[RANDOM_ROTATE_QUAD]     = {};
    float all[RANDOM_ROTATE_PART_SIZE] = {};
    for (int32_t chunk = 0; chunk < args.n_chunks; ++chunk) {
        RANDOM_ROTATE_DEVICE const float * part = parts + (chunk + (int64_t) args.n_chunks*row)*(d + RANDOM_ROTATE_PART_SIZE);
        for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
            const int32_t i = random_rotate_slice_index(block, n);
            sum[n] += i < d ? part[i] : 0.0f;
        }
        random_rotate_add_part(all, part[d + RANDOM_ROTATE_PART_HEAVIEST], part[d + RANDOM_ROTATE_PART_CELL],
            part[d + RANDOM_ROTATE_PART_REST], part[d + RANDOM_ROTATE_PART_LEAN]);
    }

    const random_rotate_noise_key noise = random_rotate_noise_key_of_reader(args, doses, tokens, it, head, stream);
    if (noise.theta_max != 0.0f) {
        const random_rotate_value_head values = random_rotate_value_head_of(args, v, head/(args.n_head/args.n_head_kv), stream);

        float heaviest[RANDOM_ROTATE_QUAD];
        for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
            const int32_t i = random_rotate_slice_index(block, n);
            heaviest[n] = i < d ? random_rotate_value_at<cache>(values, (int32_t) all[RANDOM_ROTATE_PART_CELL], i) : 0.0f;
        }
        random_rotate_add_noise(block, noise, all, heaviest, d, sum);
    }
    for (int n = 0; n < RANDOM_ROTATE_QUAD; ++n) {
        const int32_t i = random_rotate_slice_index(block, n);
        if (i < d) {
            y[(int64_t) row*d + i] = sum[n];
        }
    }
}
