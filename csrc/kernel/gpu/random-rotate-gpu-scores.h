// K on a GPU: scores of turned keys. A block of 128 threads handles 64 cells of one key head, for four of the queries (head by
// head, token by token) that read them. Eight threads multiply a key with the queries, and then each thread turns the scores of one
// cell. The formulas are in random-rotate-attend.h.

#pragma once

#include "random-rotate-attend.h"
#include "random-rotate-gpu.h"
#include "random-rotate-gpu-cache.h"

// one of the queries that read a key head
struct random_rotate_reader {
    int32_t it;
    int32_t head;
    bool    exists;
};

// query number row of a key head: there are n_group heads per token
static RANDOM_ROTATE_ON_GPU random_rotate_reader random_rotate_reader_of(int32_t row, int32_t n_tokens, int32_t n_group, int32_t head_kv) {
    const int32_t last = n_tokens*n_group - 1;
    const int32_t r    = row < last ? row : last;

    random_rotate_reader reader;
    reader.it     = r / n_group;
    reader.head   = head_kv*n_group + r % n_group;
    reader.exists = row <= last;
    return reader;
}

// sum over the eight threads that work on a key, returned to all of them
static RANDOM_ROTATE_ON_GPU float random_rotate_octet_sum(float x) {
    x += random_rotate_simd_xor(x, 1);
    x += random_rotate_simd_xor(x, 2);
    x += random_rotate_simd_xor(x, 4);
    return x;
}

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

static RANDOM_ROTATE_ON_GPU RANDOM_ROTATE_DEVICE const float * random_rotate_query_at(random_rotate_scores_args args,
        RANDOM_ROTATE_DEVICE const char * q, random_rotate_reader reader, int32_t stream) {
    return (RANDOM_ROTATE_DEVICE const float *) (q + reader.it*args.q_nb1 + reader.head*args.q_nb2 + stream*args.q_nb3);
}

// tile: first cell, row: first query; head_kv, stream: of the keys
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_scores_block(random_rotate_scores_args args, RANDOM_ROTATE_DEVICE const char * q,
        RANDOM_ROTATE_DEVICE const char * k, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const int32_t * cells, RANDOM_ROTATE_DEVICE const char * mask, RANDOM_ROTATE_DEVICE float * y,
        int32_t tile, int32_t row, int32_t head_kv, int32_t stream, int32_t me,
        RANDOM_ROTATE_SHARED random_rotate_scores_shared * shared) {
    const int32_t n_group = args.n_head/args.n_head_kv;

    RANDOM_ROTATE_DEVICE const float * query[RANDOM_ROTATE_ROWS];
    for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
        query[r] = random_rotate_query_at(args, q, random_rotate_reader_of(row + r, args.n_tokens, n_group, head_kv), stream);
    }

    // this thread's cell, and its first query
    const int32_t own   = tile + me % RANDOM_ROTATE_SCORES_TILE;
    const int32_t first = me / RANDOM_ROTATE_SCORES_TILE;
    const int32_t step  = RANDOM_ROTATE_THREADS/RANDOM_ROTATE_SCORES_TILE;

    random_rotate_wait();
    if (me == 0) {
        shared->seen = 0;
    }
    random_rotate_barrier();
    for (int32_t r = first; r < RANDOM_ROTATE_ROWS && own < args.n_kv; r += step) {
        const random_rotate_reader reader = random_rotate_reader_of(row + r, args.n_tokens, n_group, head_kv);
        if (reader.exists && random_rotate_sees(args, mask, reader, stream, own)) {
            shared->seen = 1;
        }
    }
    random_rotate_barrier();
    const bool seen = shared->seen != 0;

    if (seen) {
        const int32_t simd = me/RANDOM_ROTATE_SIMD; // four of them, one per query
        const random_rotate_reader reader = random_rotate_reader_of(row + simd, args.n_tokens, n_group, head_kv);
        RANDOM_ROTATE_DEVICE const float * x = random_rotate_query_at(args, q, reader, stream);
        float square = 0.0f;
        float sum    = 0.0f;
        for (int32_t i = me % RANDOM_ROTATE_SIMD; i < args.d; i += RANDOM_ROTATE_SIMD) {
            square += x[i]*x[i];
            sum    += x[i];
        }
        square = random_rotate_simd_sum(square);
        sum    = random_rotate_simd_sum(sum);
        if (me % RANDOM_ROTATE_SIMD == 0) {
            shared->q_square[simd] = square;
            shared->q_sum   [simd] = sum;
        }

        for (int32_t j = me/8; j < RANDOM_ROTATE_SCORES_TILE; j += RANDOM_ROTATE_THREADS/8) {
            const int32_t cell = tile + j;
            RANDOM_ROTATE_DEVICE const char * key = k + cell*args.k_nb1 + head_kv*args.k_nb2 + stream*args.k_nb3;

            float key_square = 0.0f;
            float key_sum    = 0.0f;
            float score[RANDOM_ROTATE_ROWS] = {};
            for (int32_t i = me % 8; i < args.d && cell < args.n_kv; i += 8) {
                const float xi = cache::at(key, i);
                key_square += xi*xi;
                key_sum    += xi;
                for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                    score[r] += xi*query[r][i];
                }
            }
            key_square = random_rotate_octet_sum(key_square);
            key_sum    = random_rotate_octet_sum(key_sum);
            for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                score[r] = random_rotate_octet_sum(score[r]);
            }
            if (me % 8 == 0) {
                shared->square[j] = key_square;
                shared->sum   [j] = key_sum;
                for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
                    shared->score[r][j] = score[r];
                }
            }
        }
    }
    random_rotate_barrier();

    if (own >= args.n_kv) {
        return;
    }
    const int32_t j        = own - tile;
    const int32_t position = cells[stream*args.n_kv + own];
    for (int32_t r = first; r < RANDOM_ROTATE_ROWS; r += step) {
        const random_rotate_reader reader = random_rotate_reader_of(row + r, args.n_tokens, n_group, head_kv);
        if (!reader.exists) {
            continue;
        }
        RANDOM_ROTATE_DEVICE float * to = y + own + args.n_kv*(reader.it + (int64_t) args.n_tokens*(reader.head + args.n_head*stream));
        if (!seen) {
            *to = 0.0f; // no query attends to it, so any value will do
            continue;
        }
        const random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
            tokens + (int64_t) (stream*args.n_tokens + reader.it)*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, reader.head);
        const float score = shared->score[r][j];
        if (noise.theta_max == 0.0f || args.d == 1 || position < noise.n_sink) {
            *to = score;
            continue;
        }
        const random_rotate_query measured = random_rotate_measured_query(shared->q_square[r], shared->q_sum[r], args.d);
        const float norm = random_rotate_sqrt(shared->square[j]);

        uint32_t words[4];
        if (noise.reference) {
            random_rotate_words(noise, RANDOM_ROTATE_FOR_SCORES, (uint32_t) position, words);
            const float lean = norm > 0.0f ? shared->sum[j]/norm : 0.0f;
            const float angle = random_rotate_angle_of(noise, random_rotate_uniform(words[0]));
            *to = random_rotate_turn_score_reference(measured, angle, words[1], words[2], norm, lean, score);
        } else {
            uint32_t w0;
            uint32_t w1;
            random_rotate_words(noise, RANDOM_ROTATE_FOR_SCORES, random_rotate_pair_counter((uint32_t) position), words);
            random_rotate_choose_pair((uint32_t) position, words[0], words[1], words[2], words[3], &w0, &w1);
            *to = random_rotate_is_plain(noise) ? random_rotate_turn_score(measured, noise.theta_max, w0, w1, norm, score) :
                random_rotate_turn_score_of_kind(measured, noise, random_rotate_shares_of(noise), w0, w1, norm, score);
        }
    }
}
