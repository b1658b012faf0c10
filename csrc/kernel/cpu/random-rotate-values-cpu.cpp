#include "random-rotate-cpu.h"

#include "random-rotate-cells.h"
#include "random-rotate-values-noise.h"
#include "random-rotate-values-plan.h"
#include "random-rotate-values-weights.h"

// V: values turned as read for the output; the formulas are in random-rotate-attend.h

size_t ggml_random_rotate_values_work_size(const ggml_tensor * op, int n_tasks) {
    const work_plan plan(op, op->src[0]->ne[0], n_tasks);
    return plan.parts_bytes() + n_tasks*plan.scratch_bytes();
}

static const char * value_at(const ggml_tensor * v, bool transposed, int64_t i, int64_t cell, int64_t head, int64_t stream) {
    return (const char *) v->data + i*v->nb[transposed ? 1 : 0] + cell*v->nb[transposed ? 0 : 1] + head*v->nb[2] + stream*v->nb[3];
}

static void load_value(const ggml_tensor * v, bool transposed, int64_t cell, int64_t head, int64_t stream, int64_t d, float * x) {
    if (!transposed) {
        load_floats(v->type, value_at(v, false, 0, cell, head, stream), x, d);
        return;
    }
    if (v->type == GGML_TYPE_F16) { // the usual type; its numbers are far apart
        for (int64_t i = 0; i < d; ++i) {
            x[i] = GGML_CPU_FP16_TO_FP32(*(const ggml_fp16_t *) value_at(v, true, i, cell, head, stream));
        }
        return;
    }
    for (int64_t i = 0; i < d; ++i) {
        load_floats(v->type, value_at(v, true, i, cell, head, stream), x + i, 1);
    }
}

// a block's values as rows of floats, x: [d, n]
static void load_rows(const ggml_tensor * v, int64_t head, int64_t stream, int64_t d, const value_block & block, float * x) {
    const size_t row_bytes = ggml_row_size(v->type, d);
    for (int64_t j = 0; j < block.n; ++j) {
        prefetch(value_at(v, false, 0, block.cell + j + CELLS, head, stream), row_bytes);
        load_floats(v->type, value_at(v, false, 0, block.cell + j, head, stream), x + j*d, d);
    }
}

static void measure_columns(const ggml_tensor * v, int64_t head, int64_t stream, int64_t d, bool lean, value_block & block) {
    float * squares = block.norm;
    float * totals  = block.lean;
    const size_t row_bytes = ggml_row_size(v->type, block.n);
    int64_t i = 0;
    for (; i + 4 <= d && !lean; i += 4) {
        for (int64_t r = 4; r < 8; ++r) { // the rows of a chunk are not adjacent in memory, as the processor's prefetcher would expect
            prefetch(value_at(v, true, i + r, block.cell, head, stream), row_bytes);
        }
        add_squares(v->type, value_at(v, true, i, block.cell, head, stream), v->nb[1], block.n, squares);
    }
    float x[CHUNK];
    for (; i < d; ++i) {
        load_floats(v->type, value_at(v, true, i, block.cell, head, stream), x, block.n);
        for (int64_t j = 0; j < block.n; ++j) {
            squares[j] += x[j]*x[j];
            totals [j] += x[j];
        }
    }
    for (int64_t j = 0; j < block.n; ++j) {
        block.norm[j] = sqrtf(squares[j]);
        block.lean[j] = block.norm[j] > 0.0f ? totals[j]/block.norm[j] : 0.0f;
    }
}

// rows: the block's values, or nullptr if they are transposed
static void measure(const ggml_tensor * v, const ggml_tensor * cells, int64_t head, int64_t stream, int64_t d, bool lean, float * rows,
        value_block & block) {
    for (int64_t j = 0; j < block.n_padded(); ++j) {
        block.position[j] = -1;
        block.norm    [j] = 0.0f;
        block.lean    [j] = 0.0f;
    }
    memcpy(block.position, (const char *) cells->data + stream*cells->nb[1] + block.cell*sizeof(int32_t), block.n*sizeof(int32_t));
    if (rows) {
        measure_rows(rows, block.n, d, lean, block.norm, block.lean);
    } else {
        measure_columns(v, head, stream, d, lean, block);
    }
}

// sum += x y, if the numbers of a value are adjacent, x: [d, n]
static void add_rows(const float * x, int64_t n, int64_t d, const float * y, float * sums) {
    int64_t i = 0;
    for (; i + 4*LANES <= d; i += 4*LANES) {
        lanes xy[4]; // so that an addition need not wait for the previous one
        for (int r = 0; r < 4; ++r) {
            xy[r] = load_lanes(sums + i + r*LANES);
        }
        for (int64_t j = 0; j < n; ++j) {
            for (int r = 0; r < 4; ++r) {
                add_product(xy[r], y[j], load_lanes(x + j*d + i + r*LANES));
            }
        }
        for (int r = 0; r < 4; ++r) {
            store_lanes(xy[r], sums + i + r*LANES);
        }
    }
    for (; i + LANES <= d; i += LANES) {
        lanes xy = load_lanes(sums + i);
        for (int64_t j = 0; j < n; ++j) {
            add_product(xy, y[j], load_lanes(x + j*d + i));
        }
        store_lanes(xy, sums + i);
    }
    for (; i < d; ++i) {
        for (int64_t j = 0; j < n; ++j) {
            sums[i] += y[j]*x[j*d + i];
        }
    }
}

// the same if the cells of a number are adjacent, for up to four rows at once: y: [CHUNK, n_rows]
static void add_columns(const ggml_tensor * v, int64_t head, int64_t stream, int64_t d, const value_block & block, const float * y,
        float ** sums, int n_rows) {
    const cache_columns columns = { v->type, value_at(v, true, 0, block.cell, head, stream), v->nb[1], block.n, d };
    const auto add = n_rows == 4 ? add_dots<4> : n_rows == 3 ? add_dots<3> : n_rows == 2 ? add_dots<2> : add_dots<1>;
    add(columns, y, CHUNK, sums);
}

//
// op
//

struct values_op {
    const ggml_tensor * p;      // F32 [n_kv, n_tokens, n_head, n_stream]
    const ggml_tensor * v;      // [n_kv, d, n_head_kv, n_stream] if transposed, else [d, n_kv, n_head_kv, n_stream]
    const ggml_tensor * doses;
    const ggml_tensor * tokens; // of all streams, one after the other
    const ggml_tensor * cells;  // I32 [n_kv, n_stream]
    ggml_tensor       * dst;    // F32 [d, n_tokens, n_head, n_stream]
    work_plan           plan;
    int32_t             layer, site;
    bool                lean;   // whether any token has reference noise
    float             * parts;  // [part_size, n_parts, n_tokens, n_head, n_stream]

    values_op(ggml_tensor * dst, void * work, int n_threads) : p(dst->src[0]), v(dst->src[1]), doses(dst->src[2]), tokens(dst->src[3]),
        cells(dst->src[4]), dst(dst), plan(dst, used_blocks(cells), n_threads), layer(ggml_get_op_params_i32(dst, 0)), site(ggml_get_op_params_i32(dst, 1)),
        lean(any_reference(tokens)), parts((float *) work) {}

    noise_key noise_of(int64_t it, int64_t head, int64_t stream) const {
        noise_key noise = noise_key_of(doses, tokens, stream*plan.n_tokens + it, layer, site, head);
        if (plan.d == 1) {
            noise.theta_max = 0.0f; // one dimension: nothing to turn
        }
        return noise;
    }

    float * part(int64_t i, int64_t it, int64_t head, int64_t stream) const {
        return parts + (i + plan.n_parts*(it + plan.n_tokens*(head + plan.n_head*stream)))*plan.part_size();
    }

    // sum += other, both the sums of a row over one or more chunks
    void add_part(float * sum, const float * other) const {
        for (int64_t i = 0; i < plan.d; ++i) {
            sum[i] += other[i];
        }
        const float * theirs = other + plan.d;
        random_rotate_add_part(sum + plan.d, theirs[RANDOM_ROTATE_PART_HEAVIEST], theirs[RANDOM_ROTATE_PART_CELL],
            theirs[RANDOM_ROTATE_PART_REST], theirs[RANDOM_ROTATE_PART_LEAN]);
    }

    // weights of a row in a block, padded with zeros; false if all are zero: masked
    bool load_weights(const value_block & block, int64_t it, int64_t head, int64_t stream, float * weights) const {
        memset(weights + block.n_padded() - CELLS, 0, CELLS*sizeof(float));
        memcpy(weights, (const char *) p->data + block.cell*sizeof(float) + it*p->nb[1] + head*p->nb[2] + stream*p->nb[3],
            block.n*sizeof(float));
        uint32_t some = 0; // bits of non-negative numbers
#pragma omp simd reduction(|:some)
        for (int64_t j = 0; j < block.n; ++j) {
            some |= random_rotate_as_bits(weights[j]);
        }
        return some != 0;
    }

    // replaces the weights of a row in a block by the factors for its values
    void turn_weights(value_block & block, bool & measured, const noise_key & noise, int64_t head_kv, int64_t stream, float * scratch,
            float * weights, float * fields) const {
        if (noise.theta_max == 0.0f) {
            return;
        }
        if (!measured) {
            measure(v, cells, head_kv, stream, plan.d, lean, plan.transposed ? nullptr : scratch, block);
            measured = true;
        }
        weigh(noise, block, plan.d, weights, weights, fields);
    }

    void add_values(const value_block & block, int64_t head_kv, int64_t stream, const float * scratch, const float * factors,
            float ** sums, int n_rows) const {
        if (plan.transposed) {
            add_columns(v, head_kv, stream, plan.d, block, factors, sums, n_rows);
            return;
        }
        for (int r = 0; r < n_rows; ++r) {
            add_rows(scratch, block.n, plan.d, factors + r*CHUNK, sums[r]);
        }
    }

    // rows(it, head): the sums of a row
    template <typename rows_of>
    void compute_block(value_block & block, int64_t first, int64_t last, int64_t head_kv, int64_t stream, float * scratch,
            const rows_of & rows) const {
        bool loaded   = plan.transposed;
        bool measured = false;

        float   factors[4*CHUNK]; // rows are collected until there are four, so that values are read once for all of them
        float * sums[4];
        int     n_rows = 0;
        for (int64_t it = first; it < last; ++it) {
            for (int64_t head = head_kv*plan.n_group(); head < (head_kv + 1)*plan.n_group(); ++head) {
                float * weights = factors + n_rows*CHUNK;
                if (!load_weights(block, it, head, stream, weights)) {
                    continue;
                }
                if (!loaded) {
                    load_rows(v, head_kv, stream, plan.d, block, scratch);
                    loaded = true;
                }
                sums[n_rows] = rows(it, head);
                turn_weights(block, measured, noise_of(it, head, stream), head_kv, stream, scratch, weights, sums[n_rows] + plan.d);
                if (++n_rows == 4) {
                    add_values(block, head_kv, stream, scratch, factors, sums, n_rows);
                    n_rows = 0;
                }
            }
        }
        if (n_rows > 0) {
            add_values(block, head_kv, stream, scratch, factors, sums, n_rows);
        }
    }

    template <typename rows_of>
    void compute_chunk(int64_t chunk, int64_t first, int64_t last, int64_t head_kv, int64_t stream, float * scratch,
            const rows_of & rows) const {
        value_block block;
        const int64_t end = std::min(plan.n_kv, (chunk + 1)*CHUNK);
        for (block.cell = chunk*CHUNK; block.cell < end; block.cell += plan.n_block) {
            block.n = std::min(plan.n_block, end - block.cell);
            for (int64_t i = 0; i < plan.n_unit_heads; ++i) {
                compute_block(block, first, last, head_kv + i, stream, scratch, rows);
            }
        }
    }

    void compute_unit(int64_t unit, float * scratch) const {
        const int64_t n_blocks = plan.n_head_kv/plan.n_unit_heads; // of heads
        const int64_t slice    = unit % plan.n_slices;
        const int64_t head_kv  = unit/plan.n_slices % n_blocks*plan.n_unit_heads; // the first of them
        const int64_t i_part   = unit/plan.n_slices/n_blocks % plan.n_parts;
        const int64_t stream   = unit/plan.n_slices/n_blocks/plan.n_parts;

        const int64_t first     = slice*TOKENS_A_UNIT;
        const int64_t last      = std::min(plan.n_tokens, (slice + 1)*TOKENS_A_UNIT);
        const int64_t head      = head_kv*plan.n_group();
        const int64_t last_head = head + plan.n_unit_heads*plan.n_group();

        const auto kept = [&](int64_t it, int64_t ih) { return part(i_part, it, ih, stream); };
        for (int64_t it = first; it < last; ++it) {
            for (int64_t ih = head; ih < last_head; ++ih) {
                memset(kept(it, ih), 0, plan.part_size()*sizeof(float));
            }
        }
        compute_chunk(i_part, first, last, head_kv, stream, scratch, kept);
        if (plan.n_parts == plan.n_chunks) {
            return;
        }
        float * rows = scratch + plan.block_size();
        const auto next = [&](int64_t it, int64_t ih) {
            return rows + ((it - first)*(last_head - head) + ih - head)*plan.part_size();
        };
        for (int64_t chunk = 1; chunk < plan.n_chunks; ++chunk) {
            memset(rows, 0, plan.part_size()*plan.n_unit_rows()*sizeof(float));
            compute_chunk(chunk, first, last, head_kv, stream, scratch, next);
            for (int64_t it = first; it < last; ++it) {
                for (int64_t ih = head; ih < last_head; ++ih) {
                    add_part(kept(it, ih), next(it, ih));
                }
            }
        }
    }

    // scratch: [2, d]
    void finish_row(int64_t it, int64_t head, int64_t stream, float * scratch) const {
        float * sum = part(0, it, head, stream);
        for (int64_t i = 1; i < plan.n_parts; ++i) {
            add_part(sum, part(i, it, head, stream));
        }
        float * y = (float *) ((char *) dst->data + it*dst->nb[1] + head*dst->nb[2] + stream*dst->nb[3]);
        memcpy(y, sum, plan.d*sizeof(float));

        const noise_key noise = noise_of(it, head, stream);
        if (noise.theta_max == 0.0f) {
            return;
        }
        float * fields = sum + plan.d;
        load_value(v, plan.transposed, (int64_t) fields[RANDOM_ROTATE_PART_CELL], head/plan.n_group(), stream, plan.d, scratch);
        add_noise(noise, fields, scratch, scratch + plan.d, plan.d, y);
    }
};

void ggml_compute_forward_random_rotate_values(const ggml_compute_params * params, ggml_tensor * dst) {
    const values_op op(dst, params->wdata, params->nth);
    const work_plan & plan = op.plan;

    float * scratch = (float *) ((char *) params->wdata + plan.parts_bytes() + params->ith*plan.scratch_bytes());

    const int64_t end = plan.first_unit(params->ith + 1, params->nth);
    for (int64_t unit = plan.first_unit(params->ith, params->nth); unit < end; ++unit) {
        op.compute_unit(unit, scratch);
    }

    ggml_barrier(params->threadpool);

    const int64_t n_rows = plan.n_tokens*plan.n_head*plan.n_stream;
    for (int64_t row = n_rows*params->ith/params->nth; row < n_rows*(params->ith + 1)/params->nth; ++row) {
        op.finish_row(row % plan.n_tokens, row/plan.n_tokens % plan.n_head, row/plan.n_tokens/plan.n_head, scratch);
    }
}
