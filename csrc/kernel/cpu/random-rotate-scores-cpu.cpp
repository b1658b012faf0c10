#include "random-rotate-cpu.h"

#include "random-rotate-dots.h"

// K: keys turned as read for the scores; the formulas are in random-rotate-attend.h

static constexpr int64_t TOKENS_A_UNIT = 32;

static size_t scratch_bytes(const ggml_tensor * op) {
    return GGML_PAD(op->src[1]->ne[0]*CELLS*sizeof(float), 64);
}

size_t ggml_random_rotate_scores_work_size(const ggml_tensor * op, int n_tasks) {
    return n_tasks*scratch_bytes(op);
}

// the keys of 64 cells
struct key_block {
    cache_rows rows;            // [d, n]
    int32_t position[CELLS];    // -1 if there is no cell, or if it is empty
    float   norm    [CELLS];
    float   lean    [CELLS];    // s1(k)/|k|
    bool    loaded   = false;
    bool    measured = false;
};

// a query that reads the keys of a block
struct reader {
    const float * x; // [d]
    float       * y; // [n] scores
    noise_key     noise;
};

using query = random_rotate_query;

template <bool usual>
static void turn_isotropic(const noise_key & noise, const query & q, const key_block & keys, const float * s, float * y) {
    uint32_t w0[CELLS];
    uint32_t w1[CELLS];
    draw_pairs(noise, RANDOM_ROTATE_FOR_SCORES, keys.position, w0, w1);

#pragma omp simd
    for (int i = 0; i < CELLS; ++i) {
        const float turned = usual ? random_rotate_turn_usual_score(q, noise.theta_max, w0[i], w1[i], keys.norm[i], s[i]) :
                                     random_rotate_turn_score      (q, noise.theta_max, w0[i], w1[i], keys.norm[i], s[i]);
        y[i] = keys.position[i] >= noise.n_sink ? turned : s[i];
    }
}

static void turn_of_kind(const noise_key & noise, const query & q, const key_block & keys, const float * s, float * y) {
    uint32_t w0[CELLS];
    uint32_t w1[CELLS];
    draw_pairs(noise, RANDOM_ROTATE_FOR_SCORES, keys.position, w0, w1);

    const random_rotate_shares shares = random_rotate_shares_of(noise);
#pragma omp simd
    for (int i = 0; i < CELLS; ++i) {
        const float turned = random_rotate_turn_score_of_kind(q, noise, shares, w0[i], w1[i], keys.norm[i], s[i]);
        y[i] = keys.position[i] >= noise.n_sink ? turned : s[i];
    }
}

template <bool uniform>
static void turn_reference(const noise_key & noise, const query & q, const key_block & keys, const float * s, float * y) {
    const random_rotate_shares shares = random_rotate_shares_of(noise);
    for (int i = 0; i < CELLS; i += LANES) {
        uint32_t first[LANES];
        memcpy(first, keys.position + i, sizeof(first));
        counter_words words;
        words.draw(noise, RANDOM_ROTATE_FOR_SCORES, first);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            const float u      = random_rotate_uniform(words.word[0][l]);
            const float angle  = noise.theta_max*(uniform ? u : random_rotate_share(shares, u));
            const float turned = random_rotate_turn_score_reference(q, angle, words.word[1][l], words.word[2][l], keys.norm[i + l], keys.lean[i + l], s[i + l]);
            y[i + l] = keys.position[i + l] >= noise.n_sink ? turned : s[i + l];
        }
    }
}

// whether a token attends to none of n cells; mask: F32 or F16 [n_kv, n_tokens, n, n_stream] or nullptr
static bool all_masked(const ggml_tensor * mask, int64_t cell, int64_t n, int64_t it, int64_t head, int64_t stream) {
    if (!mask) {
        return false;
    }
    const char * row = (const char *) mask->data + it*mask->nb[1] + (head % mask->ne[2])*mask->nb[2] +
        (stream % mask->ne[3])*mask->nb[3];
    const ggml_fp16_t minus_infinity = 0xfc00;
    for (int64_t i = cell; i < cell + n; ++i) {
        if (mask->type == GGML_TYPE_F16 ? ((const ggml_fp16_t *) row)[i] != minus_infinity : ((const float *) row)[i] != -INFINITY) {
            return false;
        }
    }
    return true;
}

// scratch: [d, 64], for keys of types that must be converted
static void load_keys(const ggml_tensor * k, const ggml_tensor * cells, int64_t cell, int64_t head, int64_t stream, float * scratch,
        key_block & keys) {
    cache_rows & rows = keys.rows;
    rows.at = (const char *) k->data + cell*k->nb[1] + head*k->nb[2] + stream*k->nb[3];

    const size_t row_bytes = ggml_row_size(k->type, rows.d);
    for (int64_t i = 0; i < rows.n; ++i) {
        prefetch(rows.at + (CELLS + i)*rows.stride, row_bytes);
    }
    if (!can_dot(k->type)) {
        for (int64_t i = 0; i < rows.n; ++i) {
            load_floats(k->type, rows.at + i*rows.stride, scratch + i*rows.d, rows.d);
        }
        rows.type   = GGML_TYPE_F32;
        rows.at     = (const char *) scratch;
        rows.stride = rows.d*sizeof(float);
    }
    for (int64_t i = rows.n; i < CELLS; ++i) {
        keys.position[i] = -1;
        keys.norm    [i] = 0.0f;
    }
    memcpy(keys.position, (const char *) cells->data + stream*cells->nb[1] + cell*sizeof(int32_t), rows.n*sizeof(int32_t));
    memset(keys.lean, 0, sizeof(keys.lean));
    keys.loaded = true;
}

// squares: [n]
static void measure_keys(const float * squares, bool lean, key_block & keys) {
    for (int64_t i = 0; i < keys.rows.n; ++i) {
        keys.norm[i] = sqrtf(squares[i]);
    }
    if (lean) {
        sum_rows(keys.rows, keys.lean);
        for (int64_t i = 0; i < keys.rows.n; ++i) {
            keys.lean[i] = keys.norm[i] > 0.0f ? keys.lean[i]/keys.norm[i] : 0.0f;
        }
    }
    keys.measured = true;
}

// s: [64], the scores of a query before they are turned
static void turn_scores(const reader & of, const key_block & keys, const float * s) {
    float square;
    float total;
    square_and_sum(of.x, keys.rows.d, &square, &total);
    const query q = random_rotate_measured_query(square, total, (int32_t) keys.rows.d);

    float turned[CELLS];
    const bool plain = random_rotate_is_plain(of.noise);
    const bool usual = random_rotate_is_usual(q, of.noise.theta_max);
    const auto turn  = of.noise.reference ? (plain ? turn_reference<true> : turn_reference<false>) :
        !plain ? turn_of_kind : usual ? turn_isotropic<true> : turn_isotropic<false>;
    turn(of.noise, q, keys, s, turned);
    memcpy(of.y, turned, keys.rows.n*sizeof(float));
}

// readers that share one pass over the keys: three products and the square of each key, or four products
struct readers {
    reader  of[4];
    int32_t n = 0;

    bool full(const key_block & keys) const { return n == (keys.measured ? 4 : 3); }

    void score(bool lean, key_block & keys) {
        bool squares = false;
        const float * x[4];
        for (int r = 0; r < n; ++r) {
            x[r] = of[r].x;
            squares |= of[r].noise.theta_max != 0.0f && !keys.measured;
        }
        float s[4][CELLS];
        dot_rows(keys.rows, x, n, squares, s);
        if (squares) {
            measure_keys(s[n], lean, keys);
        }
        for (int r = 0; r < n; ++r) {
            if (of[r].noise.theta_max == 0.0f) {
                memcpy(of[r].y, s[r], keys.rows.n*sizeof(float));
            } else {
                turn_scores(of[r], keys, s[r]);
            }
        }
        n = 0;
    }
};

struct scores_op {
    const ggml_tensor * q;      // F32 [d, n_tokens, n_head, n_stream]
    const ggml_tensor * k;      //     [d, n_kv, n_head_kv, n_stream]
    const ggml_tensor * doses;
    const ggml_tensor * tokens; // of all streams, one after the other
    const ggml_tensor * cells;  // I32 [n_kv, n_stream]
    const ggml_tensor * mask;
    ggml_tensor       * dst;    // F32 [n_kv, n_tokens, n_head, n_stream]
    int32_t             layer, site;
    bool                lean;   // whether any token has reference noise
    int64_t             n_slices;

    explicit scores_op(ggml_tensor * dst) : q(dst->src[0]), k(dst->src[1]), doses(dst->src[2]), tokens(dst->src[3]),
        cells(dst->src[4]), mask(dst->src[5]), dst(dst), layer(ggml_get_op_params_i32(dst, 0)), site(ggml_get_op_params_i32(dst, 1)),
        lean(any_reference(tokens)), n_slices((dst->ne[1] + TOKENS_A_UNIT - 1)/TOKENS_A_UNIT) {}

    int64_t n_units(int64_t n_blocks) const { return n_slices*k->ne[2]*k->ne[3]*n_blocks; }

    noise_key noise_of(int64_t token, int64_t head) const {
        noise_key noise = noise_key_of(doses, tokens, token, layer, site, head);
        if (k->ne[0] == 1) {
            noise.theta_max = 0.0f; // one dimension: nothing to turn
        }
        return noise;
    }

    // a unit: 64 cells of one key head, read by up to 32 tokens; the heads of a cell are adjacent in memory
    void compute_unit(int64_t unit, float * scratch) const {
        const int64_t slice   = unit % n_slices;
        const int64_t head_kv = unit/n_slices % k->ne[2];
        const int64_t stream  = unit/n_slices/k->ne[2] % k->ne[3];
        const int64_t block   = unit/n_slices/k->ne[2]/k->ne[3];

        const int64_t n_group  = dst->ne[2]/k->ne[2];
        const int64_t n_tokens = dst->ne[1];
        const int64_t cell     = block*CELLS;

        key_block keys;
        keys.rows = { k->type, nullptr, k->nb[1], std::min(CELLS, dst->ne[0] - cell), k->ne[0] };

        readers waiting;
        for (int64_t it = slice*TOKENS_A_UNIT; it < std::min(n_tokens, (slice + 1)*TOKENS_A_UNIT); ++it) {
            for (int64_t head = head_kv*n_group; head < (head_kv + 1)*n_group; ++head) {
                float * y = (float *) ((char *) dst->data + it*dst->nb[1] + head*dst->nb[2] + stream*dst->nb[3]) + cell;
                if (all_masked(mask, cell, keys.rows.n, it, head, stream)) {
                    memset(y, 0, keys.rows.n*sizeof(float));
                    continue;
                }
                if (!keys.loaded) {
                    load_keys(k, cells, cell, head_kv, stream, scratch, keys);
                }
                const float * x = (const float *) ((const char *) q->data + it*q->nb[1] + head*q->nb[2] + stream*q->nb[3]);
                waiting.of[waiting.n++] = { x, y, noise_of(stream*n_tokens + it, head) };
                if (waiting.full(keys)) {
                    waiting.score(lean, keys);
                }
            }
        }
        if (waiting.n > 0) {
            waiting.score(lean, keys);
        }
    }

    // one thread's share of these units: consecutive ones, so that memory is read in long runs; the
    // results do not depend on the split
    void compute_units(int64_t first, int64_t last, int ith, int nth, float * scratch) const {
        for (int64_t unit = first + (last - first)*ith/nth; unit < first + (last - first)*(ith + 1)/nth; ++unit) {
            compute_unit(unit, scratch);
        }
    }
};

void ggml_compute_forward_random_rotate_scores(const ggml_compute_params * params, ggml_tensor * dst) {
    const scores_op op(dst);

    float * scratch = (float *) ((char *) params->wdata + params->ith*scratch_bytes(dst));

    // used cells first, then the others, so that each thread has the same amount of work
    const int64_t used = op.n_units((used_cells(op.cells) + CELLS - 1)/CELLS);
    const int64_t all  = op.n_units((dst->ne[0]           + CELLS - 1)/CELLS);
    op.compute_units(0, used, params->ith, params->nth, scratch);
    op.compute_units(used, all, params->ith, params->nth, scratch);
}
