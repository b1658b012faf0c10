// Flash attention in which each row is bit for bit the same, however many rows there are.
//
// llama.cpp has different kernels for one row, a few and many, and splits a row between threads. Here, each row is
// computed by one thread, which goes through the cells in tiles of 64, from the first one on
// (https://arxiv.org/abs/2205.14135). Rows only share what is read.

#include "repeatable.h"

#include "random-rotate-cells.h"

#include "ggml-cpu-impl.h"
#include "vec.h"

#include <cmath>
#include <cstring>

static constexpr int64_t TILE  = CELLS; // cells
static constexpr int64_t BLOCK = 64;    // rows in a unit of work

// rows that are multiplied at a time: as many as fit into vector registers
#if defined(__AVX512F__)
static constexpr int AT_A_TIME = 4;
#else
static constexpr int AT_A_TIME = 2;
#endif

// products of n_rows rows q and four keys x, [d, 4], in one part of the lanes
template <int n_rows>
static void add_products(const float * x, int64_t d, const float * const * q, int part, lanes (& xq)[n_rows][4]) {
    packed sums[n_rows][4] = {};
    const auto add = [&](const auto & load) {
        packed keys[4];
        for (int c = 0; c < 4; ++c) {
            keys[c] = load(x + c*d);
        }
        for (int r = 0; r < n_rows; ++r) {
            const packed one = load(q[r]);
            for (int c = 0; c < 4; ++c) {
                sums[r][c] += keys[c]*one;
            }
        }
    };
    int64_t i = part*REGISTER;
    for (; i + REGISTER <= d; i += LANES) {
        add([&](const float * row) { return load_packed(row + i); });
    }
    if (i < d) {
        add([&](const float * row) { return load_packed(row + i, d - i); });
    }
    for (int r = 0; r < n_rows; ++r) {
        for (int c = 0; c < 4; ++c) {
            xq[r][c].part[part] = sums[r][c];
        }
    }
}

// scores of n_rows rows q, [d], in a tile of keys x, [d, n]: scores[r]: [n], n a multiple of four
template <int n_rows>
static void score(const float * x, int64_t d, int64_t n, const float * const * q, float * const * scores) {
    for (int64_t cell = 0; cell < n; cell += 4) {
        lanes xq[n_rows][4];
        for (int part = 0; part < PARTS; ++part) {
            add_products<n_rows>(x + cell*d, d, q, part, xq);
        }
        for (int r = 0; r < n_rows; ++r) {
            sum_four(xq[r], scores[r] + cell);
        }
    }
}

// sums[r] += weights[r].x for n_rows rows, for as many numbers as n_registers hold
template <int n_rows, int n_registers>
static void add_some_values(const float * x, int64_t d, int64_t n, const float * const * weights, float * const * sums, int64_t i) {
    packed sum[n_rows][n_registers];
    for (int r = 0; r < n_rows; ++r) {
        for (int c = 0; c < n_registers; ++c) {
            sum[r][c] = load_packed(sums[r] + i + c*REGISTER);
        }
    }
    for (int64_t cell = 0; cell < n; ++cell) {
        for (int c = 0; c < n_registers; ++c) {
            const packed value = load_packed(x + cell*d + i + c*REGISTER);
            for (int r = 0; r < n_rows; ++r) {
                sum[r][c] += weights[r][cell]*value;
            }
        }
    }
    for (int r = 0; r < n_rows; ++r) {
        for (int c = 0; c < n_registers; ++c) {
            memcpy(sums[r] + i + c*REGISTER, &sum[r][c], sizeof(packed));
        }
    }
}

// sums[r] += weights[r].x, for a tile of values x, [d, n]
template <int n_rows>
static void add_values(const float * x, int64_t d, int64_t n, const float * const * weights, float * const * sums) {
    int64_t i = 0;
    for (; i + 4*REGISTER <= d; i += 4*REGISTER) {
        add_some_values<n_rows, 4>(x, d, n, weights, sums, i);
    }
    for (; i + REGISTER <= d; i += REGISTER) {
        add_some_values<n_rows, 1>(x, d, n, weights, sums, i);
    }
    for (; i < d; ++i) {
        for (int r = 0; r < n_rows; ++r) {
            float sum = sums[r][i];
            for (int64_t cell = 0; cell < n; ++cell) {
                sum += weights[r][cell]*x[cell*d + i];
            }
            sums[r][i] = sum;
        }
    }
}

struct attention {
    const ggml_tensor * q;     // F32 [dk, n_tokens, n_head, n_stream]
    const ggml_tensor * k;     //     [dk, n_kv, n_head_kv, n_stream]
    const ggml_tensor * v;     //     [dv, n_kv, n_head_kv, n_stream]
    const ggml_tensor * mask;  // F16 [n_kv, n_tokens or more, n, n_stream or 1] or nullptr
    const ggml_tensor * sinks; // F32 [n_head] or nullptr
    ggml_tensor       * dst;   // F32 [dv, n_head, n_tokens, n_stream]
    float scale, max_bias, softcap;

    explicit attention(ggml_tensor * dst) : q(dst->src[0]), k(dst->src[1]), v(dst->src[2]), mask(dst->src[3]), sinks(dst->src[4]), dst(dst) {
        float params[3];
        memcpy(params, dst->op_params, sizeof(params));
        scale    = params[0];
        max_bias = params[1];
        softcap  = params[2];
        if (softcap != 0.0f) {
            scale /= softcap;
        }
    }

    int64_t n_blocks() const { return (q->ne[1] + BLOCK - 1)/BLOCK; }
    int64_t n_units()  const { return n_blocks()*q->ne[2]*q->ne[3]; }

    // ALiBi: https://arxiv.org/abs/2108.12409
    float slope(int64_t head) const {
        if (max_bias <= 0.0f) {
            return 1.0f;
        }
        const int64_t n_log2 = INT64_C(1) << (int64_t) floor(log2((double) q->ne[2]));
        return head < n_log2 ? powf(powf(2.0f, -max_bias/n_log2), head + 1) : powf(powf(2.0f, -max_bias/2.0f/n_log2), 2*(head - n_log2) + 1);
    }

    const ggml_fp16_t * mask_of(int64_t token, int64_t head, int64_t stream) const {
        return mask ? (const ggml_fp16_t *) ((const char *) mask->data + token*mask->nb[1] + (head % mask->ne[2])*mask->nb[2] +
            (stream % mask->ne[3])*mask->nb[3]) : nullptr;
    }

    static bool sees_any(const ggml_fp16_t * mask, int64_t n) {
        if (!mask) {
            return true;
        }
        uint16_t differs = 0; // bits in which any number differs from minus infinity
#pragma omp simd reduction(|:differs)
        for (int64_t i = 0; i < n; ++i) {
            differs |= mask[i] ^ 0xfc00;
        }
        return differs != 0;
    }

    // x: [d, 64] as floats, zeros after the last cell
    static void load_tile(const ggml_tensor * t, int64_t cell, int64_t n, int64_t head, int64_t stream, float * x) {
        const int64_t d = t->ne[0];
        for (int64_t i = 0; i < n; ++i) {
            load_floats(t->type, (const char *) t->data + (cell + i)*t->nb[1] + head*t->nb[2] + stream*t->nb[3], x + i*d, d);
        }
        memset(x + n*d, 0, (TILE - n)*d*sizeof(float));
    }

    // maximum of a tile and of another number; one maximum per lane, because a single one would be compared
    // with one score after the other
    static float largest_of(const float * scores, float most) {
        float lane[LANES];
        std::fill(lane, lane + LANES, most);
        for (int64_t i = 0; i < TILE; i += LANES) {
#pragma omp simd
            for (int l = 0; l < LANES; ++l) {
                lane[l] = scores[i + l] > lane[l] ? scores[i + l] : lane[l];
            }
        }
        return *std::max_element(lane, lane + LANES);
    }

    // turns the scores of a tile into weights; sum and largest: of the tiles so far, whose values have to be
    // multiplied by the return value
    float weigh(float * scores, const ggml_fp16_t * mask, int64_t n, float slope, float & sum, float & largest) const {
        float added[TILE] = {};
        if (mask) {
            load_floats(GGML_TYPE_F16, mask, added, n);
        }
        if (softcap != 0.0f) {
            for (int64_t i = 0; i < n; ++i) {
                scores[i] = softcap*tanhf(scores[i]*scale) + slope*added[i];
            }
        } else {
#pragma omp simd
            for (int64_t i = 0; i < n; ++i) {
                scores[i] = scores[i]*scale + slope*added[i];
            }
        }
        std::fill(scores + n, scores + TILE, -INFINITY);
        const float most   = largest_of(scores, largest);
        const float factor = expf(largest - most);
        sum     = sum*factor + (float) ggml_vec_soft_max_f32(TILE, scores, scores, most);
        largest = most;
        return factor;
    }

    // scratch: see scratch_size()
    void compute_unit(int64_t unit, float * scratch) const {
        const int64_t dk = k->ne[0], dv = v->ne[0], n_kv = k->ne[1];
        const int64_t first  = unit % n_blocks()*BLOCK;
        const int64_t head   = unit/n_blocks() % q->ne[2];
        const int64_t stream = unit/n_blocks()/q->ne[2];
        const int64_t n_rows = std::min(BLOCK, q->ne[1] - first);

        float * keys   = scratch;
        float * values = keys   + dk*TILE;
        float * sums   = values + dv*TILE;
        float * scores = sums   + dv*BLOCK;
        float   total  [BLOCK] = {};
        float   largest[BLOCK];
        memset(sums, 0, dv*n_rows*sizeof(float));
        std::fill(largest, largest + BLOCK, -INFINITY);

        for (int64_t cell = 0; cell < n_kv; cell += TILE) {
            const int64_t n = std::min(TILE, n_kv - cell);
            int64_t seeing[BLOCK];
            int     n_seeing = 0;
            for (int64_t row = 0; row < n_rows; ++row) {
                const ggml_fp16_t * of_row = mask_of(first + row, head, stream);
                if (sees_any(of_row ? of_row + cell : nullptr, n)) {
                    seeing[n_seeing++] = row;
                }
            }
            if (n_seeing == 0) {
                continue;
            }
            load_tile(k, cell, n, head/(q->ne[2]/k->ne[2]), stream/(q->ne[3]/k->ne[3]), keys);
            load_tile(v, cell, n, head/(q->ne[2]/v->ne[2]), stream/(q->ne[3]/v->ne[3]), values);
            for (int i = 0; i < n_seeing; ) {
                i += n_seeing - i >= AT_A_TIME ?
                    attend<AT_A_TIME>(seeing + i, first, head, stream, cell, n, keys, values, scores, sums, total, largest) :
                    attend<1>        (seeing + i, first, head, stream, cell, n, keys, values, scores, sums, total, largest);
            }
        }
        for (int64_t row = 0; row < n_rows; ++row) {
            finish(first + row, head, stream, sums + row*dv, total[row], largest[row]);
        }
    }

    // attention of n_rows rows to a tile; returns n_rows
    template <int n_rows>
    int attend(const int64_t * rows, int64_t first, int64_t head, int64_t stream, int64_t cell, int64_t n, const float * keys,
            const float * values, float * scores, float * sums, float * total, float * largest) const {
        const int64_t dk = k->ne[0], dv = v->ne[0];
        const float * of_q[n_rows];
        float       * of_scores[n_rows];
        float       * of_sums[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            of_q     [r] = (const float *) ((const char *) q->data + (first + rows[r])*q->nb[1] + head*q->nb[2] + stream*q->nb[3]);
            of_scores[r] = scores + r*TILE;
            of_sums  [r] = sums + rows[r]*dv;
        }
        score<n_rows>(keys, dk, TILE, of_q, of_scores);
        for (int r = 0; r < n_rows; ++r) {
            const ggml_fp16_t * of_row = mask_of(first + rows[r], head, stream);
            const float factor = weigh(scores + r*TILE, of_row ? of_row + cell : nullptr, n, slope(head), total[rows[r]], largest[rows[r]]);
            if (factor != 1.0f) {
                ggml_vec_scale_f32((int) dv, of_sums[r], factor);
            }
        }
        add_values<n_rows>(values, dv, TILE, of_scores, of_sums);
        return n_rows;
    }

    void finish(int64_t token, int64_t head, int64_t stream, float * sums, float total, float largest) const {
        const int64_t dv = v->ne[0];
        if (sinks) {
            const float sink = ((const float *) sinks->data)[head];
            const float most = std::max(largest, sink);
            ggml_vec_scale_f32((int) dv, sums, expf(largest - most));
            total = total*expf(largest - most) + expf(sink - most);
        }
        ggml_vec_scale_f32((int) dv, sums, total == 0.0f ? 0.0f : 1.0f/total);
        memcpy((char *) dst->data + head*dst->nb[1] + token*dst->nb[2] + stream*dst->nb[3], sums, dv*sizeof(float));
    }

    // floats per thread; llama.cpp reserves more than this for its own kernel
    size_t scratch_size() const { return (k->ne[0] + v->ne[0])*TILE + v->ne[0]*BLOCK + AT_A_TIME*TILE; }
};

bool repeatable_attend(const ggml_compute_params * params, ggml_tensor * dst) {
    if (!is_repeatable(dst)) {
        return false;
    }
    const attention op(dst);
    const size_t size = GGML_PAD(op.scratch_size()*sizeof(float), 64);
    GGML_ASSERT(size*params->nth <= params->wsize);
    float * scratch = (float *) ((char *) params->wdata + size*params->ith);
    for (int64_t unit = params->ith; unit < op.n_units(); unit += params->nth) {
        op.compute_unit(unit, scratch);
    }
    return true;
}
