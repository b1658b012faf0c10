// V on a GPU: sums of turned values. A block of 128 threads sums a chunk of the cells of one value head, for four of the queries
// that read them; a second kernel finishes the row (random-rotate-gpu-finish.h). The formulas are in random-rotate-attend.h.

#pragma once

#include "random-rotate-gpu-scores.h"

static RANDOM_ROTATE_ON_GPU random_rotate_cache_head random_rotate_value_head_of(random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const char * v, int32_t head_kv, int32_t stream) {
    random_rotate_cache_head values;
    values.at         = v + head_kv*args.v_nb2 + stream*args.v_nb3;
    values.stride     = args.v_nb1;
    values.transposed = args.transposed != 0;
    return values;
}

static RANDOM_ROTATE_ON_GPU random_rotate_noise_key random_rotate_noise_key_of_reader(random_rotate_values_args args,
        RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens, int32_t it, int32_t head, int32_t stream) {
    random_rotate_noise_key noise = random_rotate_noise_key_of(doses, args.at.n_site, args.at.n_layer,
        tokens + (int64_t) (stream*args.n_tokens + it)*GGML_RANDOM_ROTATE_TOKEN_SIZE, args.at.layer, args.at.site, head);
    noise.theta_max = args.d == 1 ? 0.0f : noise.theta_max; // one dimension: nothing to turn
    return noise;
}

// adds up the parts of the threads of a SIMD group, for all of them
static RANDOM_ROTATE_ON_GPU void random_rotate_join_parts(RANDOM_ROTATE_LOCAL float * part) {
    for (int mask = RANDOM_ROTATE_SIMD/2; mask > 0; mask /= 2) {
        const float heaviest = random_rotate_simd_xor(part[RANDOM_ROTATE_PART_HEAVIEST], mask);
        const float cell     = random_rotate_simd_xor(part[RANDOM_ROTATE_PART_CELL],     mask);
        const float rest     = random_rotate_simd_xor(part[RANDOM_ROTATE_PART_REST],     mask);
        const float lean     = random_rotate_simd_xor(part[RANDOM_ROTATE_PART_LEAN],     mask);
        random_rotate_add_part(part, heaviest, cell, rest, lean);
    }
}

// where the sums of a query over a chunk are kept: d numbers, and those for its noise
static RANDOM_ROTATE_ON_GPU RANDOM_ROTATE_DEVICE float * random_rotate_part_of(random_rotate_values_args args, RANDOM_ROTATE_DEVICE float * parts,
        random_rotate_reader reader, int32_t stream, int32_t chunk) {
    const int64_t row = reader.it + (int64_t) args.n_tokens*(reader.head + args.n_head*stream);
    return parts + (chunk + args.n_chunks*row)*(args.d + RANDOM_ROTATE_PART_SIZE);
}

// squares and sums of 32 cells
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_measure_values(random_rotate_values_args args, random_rotate_cache_head values,
        random_rotate_tile_layout layout, int32_t group, int32_t end, int32_t me, RANDOM_ROTATE_SHARED random_rotate_values_shared * shared) {
    for (int32_t cell = 0; cell < RANDOM_ROTATE_CELLS; cell += layout.n_cells) {
        float square = 0.0f;
        float sum    = 0.0f;
        for (int32_t base = 0; base < args.d; base += layout.width) {
            random_rotate_tile_part part;
            random_rotate_read_tile<cache>(values, layout, group + cell, end, base, args.d, &part);
            random_rotate_barrier(); // the previous tile has been read
            random_rotate_write_tile(layout, &part, &shared->tile);
            random_rotate_barrier();
            random_rotate_add_measures(layout, &shared->tile, &square, &sum);
        }
        if (layout.share == 0) {
            shared->square[cell + layout.own] = square;
            shared->sum   [cell + layout.own] = sum;
        }
    }
}

// A thread's sums for four queries, in each slab: of one number of the values, or if they are shorter than there are threads, of the
// same number over a share of the cells.
struct random_rotate_value_sums {
    float of[RANDOM_ROTATE_SLABS][RANDOM_ROTATE_ROWS];
};

static RANDOM_ROTATE_ON_GPU void random_rotate_clear_sums(RANDOM_ROTATE_LOCAL random_rotate_value_sums * sums) {
    for (int s = 0; s < RANDOM_ROTATE_SLABS; ++s) {
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            sums->of[s][r] = 0.0f;
        }
    }
}

// adds the values in the tile, times their factors, to the sums of a slab; cell: the first, of 32
static RANDOM_ROTATE_ON_GPU void random_rotate_add_values(random_rotate_tile_layout layout, int32_t cell, int32_t slab, int32_t me,
        RANDOM_ROTATE_SHARED const random_rotate_values_shared * shared, RANDOM_ROTATE_LOCAL random_rotate_value_sums * sums) {
    float sum[RANDOM_ROTATE_ROWS] = {};
    for (int32_t j = me < layout.width ? 0 : 1; j < layout.n_cells; j += RANDOM_ROTATE_THREADS/layout.width) {
        const float x = shared->tile.x[j*layout.stride + (me & (layout.width - 1))];
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            sum[r] += shared->factor[cell + j][r]*x;
        }
    }
    for (int s = 0; s < RANDOM_ROTATE_SLABS; ++s) { // so that all indices are constant
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            sums->of[s][r] += s == slab ? sum[r] : 0.0f;
        }
    }
}

// stores the sums of numbers base, base + 1, ... in the queries' parts (first) or adds to those that are there, and clears them
static RANDOM_ROTATE_ON_GPU void random_rotate_store_values(random_rotate_values_args args, random_rotate_tile_layout layout, int32_t base,
        bool first, int32_t me, RANDOM_ROTATE_DEVICE float * parts, int32_t row, int32_t head_kv, int32_t stream, int32_t chunk,
        RANDOM_ROTATE_SHARED random_rotate_values_shared * shared, RANDOM_ROTATE_LOCAL random_rotate_value_sums * sums) {
    if (layout.width < RANDOM_ROTATE_THREADS) {
        random_rotate_barrier(); // the tile has been read
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            shared->tile.x[RANDOM_ROTATE_THREADS*r + me] = sums->of[0][r];
        }
        random_rotate_barrier();
        for (int r = 0; r < RANDOM_ROTATE_ROWS && me < layout.width; ++r) {
            sums->of[0][r] += shared->tile.x[RANDOM_ROTATE_THREADS*r + me + layout.width];
        }
    }
    for (int s = 0; s < RANDOM_ROTATE_SLABS; ++s) {
        const int32_t i = base + me + s*RANDOM_ROTATE_THREADS;
        for (int r = 0; r < RANDOM_ROTATE_ROWS; ++r) {
            const random_rotate_reader reader = random_rotate_reader_of(row + r, args.n_tokens, args.n_head/args.n_head_kv, head_kv);
            if (reader.exists && me < layout.width && i < args.d) {
                RANDOM_ROTATE_DEVICE float * to = random_rotate_part_of(args, parts, reader, stream, chunk) + i;
                *to = first ? sums->of[s][r] : *to + sums->of[s][r];
            }
        }
    }
    random_rotate_clear_sums(sums);
}

// chunk: of cells, row: first query; head_kv, stream: of the values
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_values_block(random_rotate_values_args args, RANDOM_ROTATE_DEVICE const char * p,
        RANDOM_ROTATE_DEVICE const char * v, RANDOM_ROTATE_DEVICE const float * doses, RANDOM_ROTATE_DEVICE const int32_t * tokens,
        RANDOM_ROTATE_DEVICE const int32_t * cells, RANDOM_ROTATE_DEVICE float * parts, int32_t chunk, int32_t row, int32_t head_kv,
        int32_t stream, int32_t me, RANDOM_ROTATE_SHARED random_rotate_values_shared * shared) {
    // this thread's query and, in each group of 32, its cell
    const int32_t simd = me / RANDOM_ROTATE_SIMD;
    const int32_t lane = me % RANDOM_ROTATE_SIMD;
    const random_rotate_reader    reader = random_rotate_reader_of(row + simd, args.n_tokens, args.n_head/args.n_head_kv, head_kv);
    const random_rotate_noise_key noise  = random_rotate_noise_key_of_reader(args, doses, tokens, reader.it, reader.head, stream);
    RANDOM_ROTATE_DEVICE const float * weights = (RANDOM_ROTATE_DEVICE const float *) (p + reader.it*args.p_nb1 + reader.head*args.p_nb2 +
        stream*args.p_nb3);

    const random_rotate_cache_head  values = random_rotate_value_head_of(args, v, head_kv, stream);
    const random_rotate_tile_layout layout = random_rotate_tile_layout_of(values, args.d, me);
    const bool    whole = args.d <= RANDOM_ROTATE_SLABS*layout.width; // then the sums stay in registers
    const bool    early = args.n_tokens <= RANDOM_ROTATE_ROWS;        // values are read before it is known whether they have weights: most have
    const int32_t begin = chunk*args.n_chunk;
    const int32_t end   = begin + args.n_chunk < args.n_kv ? begin + args.n_chunk : args.n_kv;

    float part[RANDOM_ROTATE_PART_SIZE] = {};
    bool  stored = false;
    random_rotate_value_sums sums;
    random_rotate_clear_sums(&sums);

    for (int32_t group = begin; group < end; group += RANDOM_ROTATE_CELLS) {
        const int32_t own      = group + lane;
        const int32_t position = own < end ? cells[stream*args.n_kv + own] : -1;

        uint32_t words[4] = {};
        if (noise.theta_max != 0.0f) {
            random_rotate_value_words(noise, (uint32_t) position, words);
        }

        random_rotate_wait();
        random_rotate_tile_part tile;
        if (early) {
            random_rotate_read_tile<cache>(values, layout, group, end, 0, args.d, &tile);
        }
        const float weight = own < end ? weights[own] : 0.0f;
        const uint32_t weighs = random_rotate_simd_max(random_rotate_as_bits(weight) & 0x7fffffffu);
        random_rotate_barrier(); // the previous group has been read
        if (lane == 0) {
            shared->weighs[simd] = (int32_t) weighs;
            shared->doses [simd] = weighs != 0 && noise.theta_max != 0.0f ? 1 : 0;
            shared->leans [simd] = shared->doses[simd] != 0 && noise.reference ? 1 : 0;
        }
        random_rotate_barrier();
        if (!random_rotate_any(shared->weighs)) {
            continue; // such as cells that are empty
        }
        const bool doses = random_rotate_any(shared->doses);
        const bool leans = random_rotate_any(shared->leans);
        if (leans) {
            random_rotate_measure_values<cache>(args, values, layout, group, end, me, shared);
            random_rotate_barrier();
        }
        const float lean = leans && shared->square[lane] > 0.0f ? shared->sum[lane]/random_rotate_sqrt(shared->square[lane]) : 0.0f;

        float share; // of the noise, for a value of length 1
        shared->factor[lane][simd] = random_rotate_factor(noise, position, words, args.d, weight, lean, share);

        for (int32_t cell = 0; cell < RANDOM_ROTATE_CELLS; cell += layout.n_cells) {
            float square = 0.0f;
            float sum    = 0.0f;
            for (int32_t base = 0; base < args.d; base += layout.width) {
                const int32_t slab = base/layout.width % RANDOM_ROTATE_SLABS;
                if (cell + base > 0 || !early) {
                    random_rotate_read_tile<cache>(values, layout, group + cell, end, base, args.d, &tile);
                }
                random_rotate_barrier(); // the previous tile has been read
                random_rotate_write_tile(layout, &tile, &shared->tile);
                random_rotate_barrier();
                if (doses && !leans) {
                    random_rotate_add_measures(layout, &shared->tile, &square, &sum);
                }
                random_rotate_add_values(layout, cell, slab, me, shared, &sums);
                if (!whole && (slab == RANDOM_ROTATE_SLABS - 1 || base + layout.width >= args.d)) {
                    random_rotate_store_values(args, layout, base - slab*layout.width, !stored, me, parts, row, head_kv, stream, chunk,
                        shared, &sums);
                }
            }
            stored = true;
            if (doses && !leans && layout.share == 0) {
                shared->square[cell + layout.own] = square;
            }
        }
        random_rotate_barrier();
        if (noise.theta_max != 0.0f && doses) {
            share *= random_rotate_sqrt(shared->square[lane]);
            random_rotate_add_part(part, share, (float) own, 0.0f, share);
        }
    }
    for (int32_t base = 0; base < args.d && (whole || !stored); base += RANDOM_ROTATE_SLABS*layout.width) {
        random_rotate_store_values(args, layout, base, true, me, parts, row, head_kv, stream, chunk, shared, &sums);
    }

    random_rotate_join_parts(part);
    for (int f = 0; f < RANDOM_ROTATE_PART_SIZE && lane == 0 && reader.exists; ++f) {
        random_rotate_part_of(args, parts, reader, stream, chunk)[args.d + f] = part[f];
    }
}
