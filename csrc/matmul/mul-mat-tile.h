// How many rows of a matrix are multiplied by a few vectors before the next rows are read.

#pragma once

#include <stdint.h>

enum {
    MUL_MAT_TILE_BYTES    = 48*1024, // what stays in an L1 cache, or close to it
    MUL_MAT_TILE_ROWS_MIN = 16,
    MUL_MAT_TILE_ROWS_MAX = 128,
};

// Rows of `row_size` bytes in a tile: a multiple of 16, at most MUL_MAT_TILE_ROWS_MAX.
//
// A tile is read from memory for the first vector and from a cache for the others. Upstream's 16 rows are a few kilobytes in a
// small model: reading them in such short runs, with reads from the cache in between, made two tokens more than twice as expensive
// as one. Each dot product is the same as before, so no bit of the result changes.
static inline int64_t mul_mat_tile_rows(int64_t row_size) {
    const int64_t rows = MUL_MAT_TILE_BYTES/row_size/16*16;

    return rows < MUL_MAT_TILE_ROWS_MIN ? MUL_MAT_TILE_ROWS_MIN :
           rows > MUL_MAT_TILE_ROWS_MAX ? MUL_MAT_TILE_ROWS_MAX : rows;
}

// Rows that a thread takes at a time: a tile, or fewer if `n_rows` rows, `n_others` times, would otherwise not give the
// threads `n_chunks` chunks to share.
static inline int64_t mul_mat_chunk_rows(int64_t row_size, int64_t n_rows, int64_t n_others, int64_t n_chunks) {
    const int64_t tile  = mul_mat_tile_rows(row_size);
    const int64_t share = (n_rows*n_others/n_chunks)/MUL_MAT_TILE_ROWS_MIN*MUL_MAT_TILE_ROWS_MIN;

    return share < MUL_MAT_TILE_ROWS_MIN ? MUL_MAT_TILE_ROWS_MIN : share < tile ? share : tile;
}
