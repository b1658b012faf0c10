// Tiles of a cache in shared memory: the threads of a block read the numbers of a few cells together, such that adjacent threads
// read adjacent memory, and then each uses those that it needs.

#pragma once

#include "random-rotate-gpu-cache.h"
#include "random-rotate-gpu-row.h"

// the keys or values of one head of one stream
struct random_rotate_cache_head {
    RANDOM_ROTATE_DEVICE const char * at;
    uint64_t stride; // between cells, or between numbers if transposed
    bool     transposed;
};

template <typename cache>
static RANDOM_ROTATE_ON_GPU float random_rotate_number_at(random_rotate_cache_head head, int32_t cell, int32_t i) {
    return head.transposed ? cache::at(head.at + i*head.stride, cell) : cache::at(head.at + cell*head.stride, i);
}

// How cells are laid out in a tile: those of width numbers fit; if cells have more, they are processed in several slabs. In memory,
// a line is a cell, or a number of all cells if transposed. A thread reads every n_step-th line at one offset.
struct random_rotate_tile_layout {
    int32_t width;   // numbers of a cell in the tile: 64 or 128
    int32_t n_cells; // in the tile: 32 or 16
    int32_t n_share; // threads per cell: 4 or 8, so that each has 16 of its numbers
    int32_t stride;  // between cells in the tile
    int32_t own;     // this thread's cell,
    int32_t share;   // and which of the threads of the cell it is
    int32_t line;    // the first line that it reads,
    int32_t n_step;
    int32_t offset;  // and where in a line
    bool    transposed;
};

static RANDOM_ROTATE_ON_GPU random_rotate_tile_layout random_rotate_tile_layout_of(random_rotate_cache_head head, int32_t d, int32_t me) {
    const bool    wide = d > RANDOM_ROTATE_TILE_WIDTH/2;
    const int32_t line = head.transposed ? (wide ? 4 : 5) : (wide ? 7 : 6); // bits of an offset

    random_rotate_tile_layout layout;
    layout.width      = wide ? RANDOM_ROTATE_TILE_WIDTH : RANDOM_ROTATE_TILE_WIDTH/2;
    layout.n_cells    = wide ? 16 : 32;
    layout.n_share    = wide ? 8 : 4;
    layout.stride     = layout.width + layout.n_share;
    layout.own        = wide ? me >> 3 : me >> 2;
    layout.share      = me & (layout.n_share - 1);
    layout.line       = me >> line;
    layout.n_step     = RANDOM_ROTATE_THREADS >> line;
    layout.offset     = me & ((1 << line) - 1);
    layout.transposed = head.transposed;
    return layout;
}

// a thread's numbers of a tile, which it reads before the threads of a block agree on what is in shared memory
struct random_rotate_tile_part {
    float x[RANDOM_ROTATE_TILE/RANDOM_ROTATE_THREADS];
};

// reads numbers base, base + 1, ... of cells cell, cell + 1, ... before end; what is outside is 0
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_read_tile(random_rotate_cache_head head, random_rotate_tile_layout layout, int32_t cell, int32_t end,
        int32_t base, int32_t d, RANDOM_ROTATE_LOCAL random_rotate_tile_part * part) {
    const int32_t line    = layout.line   + (layout.transposed ? base : cell);
    const int32_t offset  = layout.offset + (layout.transposed ? cell : base);
    const int32_t n_lines = layout.transposed ? d : end;
    const bool    inside  = offset < (layout.transposed ? end : d);

    RANDOM_ROTATE_DEVICE const char * at = head.at + line*head.stride;
    for (int n = 0; n < RANDOM_ROTATE_TILE/RANDOM_ROTATE_THREADS; ++n) {
        part->x[n] = inside && line + n*layout.n_step < n_lines ? cache::at(at, offset) : 0.0f;
        at += layout.n_step*head.stride;
    }
}

static RANDOM_ROTATE_ON_GPU void random_rotate_write_tile(random_rotate_tile_layout layout, RANDOM_ROTATE_LOCAL const random_rotate_tile_part * part,
        RANDOM_ROTATE_SHARED random_rotate_tile * tile) {
    const int32_t line_stride = layout.transposed ? 1 : layout.stride;
    const int32_t first = layout.line*line_stride + layout.offset*(layout.transposed ? layout.stride : 1);
    for (int n = 0; n < RANDOM_ROTATE_TILE/RANDOM_ROTATE_THREADS; ++n) {
        tile->x[first + n*layout.n_step*line_stride] = part->x[n];
    }
}

// sum over the n_share threads of a cell, returned to all of them
static RANDOM_ROTATE_ON_GPU float random_rotate_share_sum(random_rotate_tile_layout layout, float x) {
    for (int32_t mask = 1; mask < layout.n_share; mask *= 2) {
        x += random_rotate_simd_xor(x, mask);
    }
    return x;
}

// adds the squares and the numbers of this thread's cell in the tile, for all threads of the cell
static RANDOM_ROTATE_ON_GPU void random_rotate_add_measures(random_rotate_tile_layout layout,
        RANDOM_ROTATE_SHARED const random_rotate_tile * tile, RANDOM_ROTATE_LOCAL float * square, RANDOM_ROTATE_LOCAL float * sum) {
    RANDOM_ROTATE_SHARED const float * x = tile->x + layout.own*layout.stride;
    float s2 = 0.0f;
    float s1 = 0.0f;
    for (int32_t i = layout.share; i < layout.width; i += layout.n_share) {
        s2 += x[i]*x[i];
        s1 += x[i];
    }
    *square += random_rotate_share_sum(layout, s2);
    *sum    += random_rotate_share_sum(layout, s1);
}
