// How the sums of turned values are divided among threads.

#pragma once

#include "random-rotate-cells.h"

static constexpr int64_t TOKENS_A_UNIT = 32;

// A row is summed in chunks of this many cells, and then over the chunks, from the first one on. No sum depends on the number of
// threads, tokens or other cells.
static constexpr int64_t CHUNK = 256;

// A unit of work: one chunk of cells, or all of them, of one value head, or of all heads if these are adjacent in memory and there
// is enough work for all threads, read by up to 32 tokens. The result does not depend on which thread computes it.
struct work_plan {
    int64_t d, n_kv, n_tokens, n_head, n_head_kv, n_stream;
    int64_t n_slices; // of tokens
    int64_t n_chunks;
    int64_t n_parts;  // sums that are kept for each row: one per chunk, or one if a unit covers all chunks
    int64_t n_block;  // cells that are processed together
    bool    transposed;
    int64_t n_unit_heads;

    // n_cells: the number of used cells
    work_plan(const ggml_tensor * op, int64_t n_cells, int n_threads) {
        const ggml_tensor * p = op->src[0];

        d          = op->ne[0];
        n_kv       = n_cells;
        n_tokens   = p->ne[1];
        n_head     = p->ne[2];
        n_head_kv  = op->src[1]->ne[2];
        n_stream   = p->ne[3];
        transposed = ggml_get_op_params_i32(op, 2) != 0;
        n_slices   = (n_tokens + TOKENS_A_UNIT - 1)/TOKENS_A_UNIT;

        n_chunks     = std::max<int64_t>(1, (n_kv + CHUNK - 1)/CHUNK);
        n_unit_heads = transposed || n_slices*n_chunks*n_stream < 4*n_threads ? 1 : n_head_kv;
        n_parts      = n_slices*n_head_kv/n_unit_heads*n_stream >= 4*n_threads ? 1 : n_chunks;
        // the numbers of a cell are adjacent, or the cells of a number; the latter are processed in long runs
        n_block      = transposed ? CHUNK : CELLS;
    }

    int64_t n_group() const { return n_head/n_head_kv; }

    // the sums of one row after one chunk
    int64_t part_size() const { return d + RANDOM_ROTATE_PART_SIZE; } // the sum so far, and RANDOM_ROTATE_PART_...

    int64_t n_part_units() const { return n_slices*n_head_kv/n_unit_heads; } // of a part of a stream
    int64_t n_units()      const { return n_part_units()*n_parts*n_stream; }

    // the cost of a unit: its cells, or 1 if the cache is empty
    int64_t unit_cost(int64_t unit) const {
        const int64_t first = n_parts == n_chunks ? unit/n_part_units() % n_parts*CHUNK : 0;
        return std::max<int64_t>(1, n_parts == n_chunks ? std::min(CHUNK, n_kv - first) : n_kv);
    }

    // The first unit of thread ith of nth. The last chunk may be short, so cells are divided evenly, not units.
    int64_t first_unit(int64_t ith, int64_t nth) const {
        const int64_t goal = std::max<int64_t>(1, n_kv)*n_part_units()*n_stream*ith/nth;

        int64_t unit   = 0;
        int64_t before = 0;
        for (; unit < n_units() && before + unit_cost(unit)/2 < goal; ++unit) {
            before += unit_cost(unit);
        }
        return unit;
    }

    // in a unit
    int64_t n_unit_rows() const { return TOKENS_A_UNIT*n_unit_heads*n_group(); }

    size_t parts_bytes() const { return GGML_PAD(part_size()*n_parts*n_tokens*n_head*n_stream*sizeof(float), 64); }

    // for one thread: a block of values, and the rows of a unit after one chunk
    int64_t block_size()    const { return GGML_PAD(d*CELLS, 16); }
    size_t  scratch_bytes() const { return GGML_PAD((block_size() + part_size()*n_unit_rows())*sizeof(float), 64); }
};
