// K on a GPU: scores of turned keys. A block of 128 threads handles 32 cells of one key head, for four of the queries (head by
// head, token by token) that read them. Several threads multiply a key with the queries, and then each thread turns one score. The
// formulas are in random-rotate-attend.h.

#pragma once

#include "random-rotate-gpu.h"
#include "random-rotate-gpu-tile.h"

static RANDOM_ROTATE_ON_GPU bool random_rotate_sees(random_rotate_scores_args args, RANDOM_ROTATE_DEVICE const char * mask,
        random_rotate_reader reader, int32_t stream, int32_t cell) {
    if (args.mask_type == RANDOM_ROTATE_MASK_NONE) {
        return true;
    }
    RANDOM_ROTATE_DEVICE const char * row = mask + reader.it*args.mask_nb1 + reader.head % args.mask_ne2*args.mask_nb2 +
        stream % args.mask_ne3*args.mask_nb3;
    // compared as bits: fast math assumes that there is no infinity
    return args.mask_type == RANDOM_ROTATE_MASK_F16 ?
        ((RANDOM_ROTATE_DEVICE const uint16_t *) row)[cell] != 0xfc00u : ((RANDOM_ROTATE_DEVICE const uint32_t *) row)[cell] != 0xff800000u;
}

// whether any of four SIMD groups has set its flag
static RANDOM_ROTATE_ON_GPU bool random_rotate_any(RANDOM_ROTATE_SHARED const int32_t * flags) {
    return (flags[0] | flags[1] | flags[2] | flags[3]) != 0;
}

// The products of four queries with the keys of 32 cells, and the squares and sums of the keys. Each SIMD group brings its query, and
// gets the square and the sum of it. early: whether part of the first tile was already read
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_multiply(random_rotate_scores_args args, RANDOM_ROTATE_DEVICE const float * query,
        random_rotate_cache_head keys, random_rotate_tile_layout layout, bool early, RANDOM_ROTATE_LOCAL random_rotate_tile_part * part,
        int32_t tile, int32_t me, RANDOM_ROTATE_SHARED random_rotate_scores_shared * shared, RANDOM_ROTATE_LOCAL float * q_square,
        RANDOM_ROTATE_LOCAL float * q_sum) {
    const int32_t simd = me / RANDOM_ROTATE_SIMD;

    *q_square = 0.0f;
    *q_sum    = 0.0f;
    for (int32_t cell = 0; cell < RANDOM_ROTATE_CELLS; cell += layout.n_cells) {
        float square = 0.0f;
        float sum    = 0.0f;
        float score[RANDOM_ROTATE_ROWS] = {};
        for (int32_t base = 0; base < args.d; base += layout.width) {
            if (cell + base > 0 || !early) {
                random_rotate_read_tile<cache>(keys, layout, tile + cell, args.n_kv, base, args.d, part);
            }
            random_rotate_barrier(); // the previous contents of shared memory have been read
            random_rotate_write_tile(layout, part, &shared->tile);
            if (cell == 0 || layout.width < args.d) {
                for (int32_t i = me % RANDOM_ROTATE_SIMD; i < layout.width; i += RANDOM_ROTATE_SIMD) {
                    const float x = base + i < args.d ? query[base + i] : 0.0f;
                    shared->query[i][simd] = x;
                    *q_square += cell == 0 ? x*x : 0.0f;
                    *q_sum    += cell == 0 ? x   : 0.0f;
                }
            }
            random_rotate_barrier();
            RANDOM_ROTATE_SHARED const float * x = shared->tile.x + layout.own*layout.stride;
            for (int32_t i = layout.share; i < layout.width; i += layout.n_share) {
                square += x[i]*x[i];
                sum    += x[i];
                for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                    score[r] += x[i]*shared->query[i][r];
                }
            }
        }
        square = random_rotate_share_sum(layout, square);
        sum    = random_rotate_share_sum(layout, sum);
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            score[r] = random_rotate_share_sum(layout, score[r]);
        }
        if (layout.share == 0) {
            shared->square[cell + layout.own] = square;
            shared->sum   [cell + layout.own] = sum;
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                shared->score[r][cell + layout.own] = score[r];
            }
        }
    }
    *q_square = random_rotate_simd_sum(*q_square);
    *q_sum    = random_rotate_simd_sum(*q_sum);
    random_rotate_barrier();
}

// tile: first cell, row: first query; head_kv, stream: of the keys
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_scores_block(random_rotate_scores_args args, RANDOM_ROTATE_DEVICE const char * q,
        RANDOM_ROTATE_DEVICE const char * k, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const int32_t * cells, RANDOM_ROTATE_DEVICE const char * mask, RANDOM_ROTATE_DEVICE float * y,
        int32_t tile, int32_t row, int32_t head_kv, int32_t stream, int32_t me,
        RANDOM_ROTATE_SHARED random_rotate_scores_shared * shared) {
    // this thread's query and cell
    const int32_t simd = me / RANDOM_ROTATE_SIMD;
    const int32_t lane = me % RANDOM_ROTATE_SIMD;
    const int32_t own  = tile + lane;
    const random_rotate_reader reader = random_rotate_reader_of(row + simd, args.n_tokens, args.n_head/args.n_head_kv, head_kv);
    const bool exists = reader.exists && own < args.n_kv;

    const random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
        tokens + (int64_t) (stream*args.n_tokens + reader.it)*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, reader.head);
    const int32_t position = own < args.n_kv ? cells[stream*args.n_kv + own] : -1;

    uint32_t words[4];
    random_rotate_score_words(noise, (uint32_t) position, words);

    random_rotate_cache_head keys;
    keys.at         = k + head_kv*args.k_nb2 + stream*args.k_nb3;
    keys.stride     = args.k_nb1;
    keys.transposed = false;
    const random_rotate_tile_layout layout = random_rotate_tile_layout_of(keys, args.d, me);

    random_rotate_wait();
    random_rotate_tile_part part;
    const bool early = args.n_tokens <= RANDOM_ROTATE_ROWS; // keys are read while the mask is: few tokens see most cells
    if (early) {
        random_rotate_read_tile<cache>(keys, layout, tile, args.n_kv, 0, args.d, &part);
    }

    const uint32_t seen = random_rotate_simd_max(exists && random_rotate_sees(args, mask, reader, stream, own) ? 1u : 0u);
    if (lane == 0) {
        shared->seen[simd] = (int32_t) seen;
    }
    random_rotate_barrier();
    RANDOM_ROTATE_DEVICE float * to = y + own + args.n_kv*(reader.it + (int64_t) args.n_tokens*(reader.head + args.n_head*stream));
    if (!random_rotate_any(shared->seen)) {
        if (exists) {
            *to = 0.0f; // no query attends to it, so any value will do
        }
        return;
    }

    RANDOM_ROTATE_DEVICE const float * query = (RANDOM_ROTATE_DEVICE const float *) (q + reader.it*args.q_nb1 + reader.head*args.q_nb2 +
        stream*args.q_nb3);
    float q_square;
    float q_sum;
    random_rotate_multiply<cache>(args, query, keys, layout, early, &part, tile, me, shared, &q_square, &q_sum);
    if (!exists) {
        return;
    }
    const float score = shared->score[simd][lane];
    if (noise.theta_max == 0.0f || args.d == 1 || position < noise.n_sink) {
        *to = score;
    } else {
        *to = random_rotate_turned(noise, random_rotate_measured_query(q_square, q_sum, args.d), (uint32_t) position, words,
            random_rotate_sqrt(shared->square[lane]), shared->sum[lane], score);
    }
}
