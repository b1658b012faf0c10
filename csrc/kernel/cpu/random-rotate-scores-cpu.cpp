#include "random-rotate-cpu.h"

#include "random-rotate-cells.h"

// K: keys turned as the scores read them; the formulas are in random-rotate-attend.h

static constexpr int64_t TOKENS_A_UNIT = 32;

static size_t scratch_bytes(const ggml_tensor * op) {
    return GGML_PAD(op->src[1]->ne[0]*CELLS*sizeof(float), 64);
}

size_t ggml_random_rotate_scores_work_size(const ggml_tensor * op, int n_tasks) {
    return n_tasks*scratch_bytes(op);
}

// keys of 64 cells
struct key_block {
    int64_t n;               // cells that exist
    int32_t position[CELLS]; // -1 where there is no cell, or nothing in it
    float   norm    [CELLS];
    float   lean    [CELLS]; // s1(k)/|k|
    const float * x;         // [d, n]
};

using query = random_rotate_query;

static void turn_isotropic(const noise_key & noise, const query & q, const key_block & keys, const float * s, float * y) {
    uint32_t w0[CELLS];
    uint32_t w1[CELLS];
    draw_pairs(noise, RANDOM_ROTATE_FOR_SCORES, keys.position, w0, w1);

#pragma omp simd
    for (int i = 0; i < CELLS; ++i) {
        const float turned = random_rotate_turn_score(q, noise.theta_max, w0[i], w1[i], keys.norm[i], s[i]);
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

// whether a token sees none of n cells; mask: F32 or F16 [n_kv, n_tokens, n, n_stream] or nullptr
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

// x: scratch, [d, 64]
static void load_keys(const ggml_tensor * k, const ggml_tensor * cells, int64_t cell, int64_t head, int64_t stream, bool lean,
        float * x, key_block & keys) {
    const int64_t d = k->ne[0];
    for (int64_t i = keys.n; i < CELLS; ++i) {
        keys.position[i] = -1;
        keys.norm    [i] = 0.0f;
        keys.lean    [i] = 0.0f;
    }
    memcpy(keys.position, (const char *) cells->data + stream*cells->nb[1] + cell*sizeof(int32_t), keys.n*sizeof(int32_t));
    for (int64_t i = 0; i < keys.n; ++i) {
        const char * at = (const char *) k->data + (cell + i)*k->nb[1] + head*k->nb[2] + stream*k->nb[3];
        prefetch(at + CELLS*k->nb[1], ggml_row_size(k->type, d));
        load_floats(k->type, at, x + i*d, d);
    }
    measure_rows(x, keys.n, d, lean, keys.norm, keys.lean);
    keys.x = x;
}

// y: [n] scores of the query x, [d]
static void score(const noise_key & noise, const float * x, int64_t d, const key_block & keys, float * y) {
    float s[CELLS] = {};
    for (int64_t i = 0; i < keys.n; i += 4) {
        dot_four(keys.x + i*d, x, d, s + i); // the block is filled up to a multiple of four
    }
    if (noise.theta_max == 0.0f || d == 1) {
        memcpy(y, s, keys.n*sizeof(float));
        return;
    }
    float square;
    float total;
    square_and_sum(x, d, &square, &total);
    const query q = random_rotate_measured_query(square, total, (int32_t) d);

    float turned[CELLS];
    const bool plain = random_rotate_is_plain(noise);
    const auto turn  = noise.reference ? (plain ? turn_reference<true> : turn_reference<false>) : plain ? turn_isotropic : turn_of_kind;
    turn(noise, q, keys, s, turned);
    memcpy(y, turned, keys.n*sizeof(float));
}

struct scores_op {
    const ggml_tensor * q;      // F32 [d, n_tokens, n_head, n_stream]
    const ggml_tensor * k;      //     [d, n_kv, n_head_kv, n_stream]
    const ggml_tensor * doses;
    const ggml_tensor * tokens; // of all streams, one after the other
    const ggml_tensor * cells;  // I32 [n_kv, n_stream]
    const ggml_tensor * mask;
    ggml_tensor       * dst;    // F32 [n_kv, n_tokens, n_head, n_stream]
    int32_t             layer, site;
    bool                lean;   // reference noise is there
    int64_t             n_slices;

    explicit scores_op(ggml_tensor * dst) : q(dst->src[0]), k(dst->src[1]), doses(dst->src[2]), tokens(dst->src[3]),
        cells(dst->src[4]), mask(dst->src[5]), dst(dst), layer(ggml_get_op_params_i32(dst, 0)), site(ggml_get_op_params_i32(dst, 1)),
        lean(any_reference(tokens)), n_slices((dst->ne[1] + TOKENS_A_UNIT - 1)/TOKENS_A_UNIT) {}

    int64_t n_units(int64_t n_blocks) const { return n_slices*k->ne[2]*k->ne[3]*n_blocks; }

    // a unit: 64 cells of one key head, read by up to 32 tokens; heads of a cell are neighbours in memory
    void compute_unit(int64_t unit, float * scratch) const {
        const int64_t slice   = unit % n_slices;
        const int64_t head_kv = unit/n_slices % k->ne[2];
        const int64_t stream  = unit/n_slices/k->ne[2] % k->ne[3];
        const int64_t block   = unit/n_slices/k->ne[2]/k->ne[3];

        const int64_t n_group  = dst->ne[2]/k->ne[2];
        const int64_t n_tokens = dst->ne[1];
        const int64_t cell     = block*CELLS;

        key_block keys;
        keys.n = std::min(CELLS, dst->ne[0] - cell);
        bool loaded = false;
        for (int64_t it = slice*TOKENS_A_UNIT; it < std::min(n_tokens, (slice + 1)*TOKENS_A_UNIT); ++it) {
            for (int64_t head = head_kv*n_group; head < (head_kv + 1)*n_group; ++head) {
                float * y = (float *) ((char *) dst->data + it*dst->nb[1] + head*dst->nb[2] + stream*dst->nb[3]) + cell;
                if (all_masked(mask, cell, keys.n, it, head, stream)) {
                    memset(y, 0, keys.n*sizeof(float));
                    continue;
                }
                if (!loaded) {
                    load_keys(k, cells, cell, head_kv, stream, lean, scratch, keys);
                    loaded = true;
                }
                const float * x = (const float *) ((const char *) q->data + it*q->nb[1] + head*q->nb[2] + stream*q->nb[3]);
                score(noise_key_of(doses, tokens, stream*n_tokens + it, layer, site, head), x, k->ne[0], keys, y);
            }
        }
    }

    // of these units, the share of one thread: neighbours, so that memory is read in long runs; who does what changes no number
    void compute_units(int64_t first, int64_t last, int ith, int nth, float * scratch) const {
        for (int64_t unit = first + (last - first)*ith/nth; unit < first + (last - first)*(ith + 1)/nth; ++unit) {
            compute_unit(unit, scratch);
        }
    }
};

void ggml_compute_forward_random_rotate_scores(const ggml_compute_params * params, ggml_tensor * dst) {
    const scores_op op(dst);

    float * scratch = (float *) ((char *) params->wdata + params->ith*scratch_bytes(dst));

    // cells that hold something, and then the others, so that each thread has as much to do
    const int64_t used = op.n_units((used_cells(op.cells) + CELLS - 1)/CELLS);
    const int64_t all  = op.n_units((dst->ne[0]           + CELLS - 1)/CELLS);
    op.compute_units(0, used, params->ith, params->nth, scratch);
    op.compute_units(used, all, params->ith, params->nth, scratch);
}
