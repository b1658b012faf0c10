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

// how cells are laid out in a tile: those of width numbers fit; if cells have more, they are processed in several slabs
struct random_rotate_tile_layout {
    int32_t width;   // numbers of a cell in the tile: 64, 128 or 256
    int32_t n_cells; // in the tile: 32, 16 or 8
    int32_t n_share; // threads per cell: 4, 8 or 16, so that each has 16 of its numbers
    int32_t stride;  // between cells
};

static RANDOM_ROTATE_ON_GPU random_rotate_tile_layout random_rotate_tile_layout_of(int32_t d) {
    random_rotate_tile_layout layout;
    layout.width   = d <= 64 ? 64 : d <= 128 ? 128 : RANDOM_ROTATE_TILE_WIDTH;
    layout.n_cells = RANDOM_ROTATE_TILE/layout.width;
    layout.n_share = RANDOM_ROTATE_THREADS/layout.n_cells;
    layout.stride  = layout.width + layout.n_share;
    return layout;
}

// loads numbers base, base + 1, ... of cells cell, cell + 1, ... before end; what is outside is 0
template <typename cache>
static RANDOM_ROTATE_ON_GPU void random_rotate_load_tile(random_rotate_cache_head head, random_rotate_tile_layout layout, int32_t cell, int32_t end,
        int32_t base, int32_t d, int32_t me, RANDOM_ROTATE_SHARED random_rotate_tile * tile) {
    const int n_own = RANDOM_ROTATE_TILE/RANDOM_ROTATE_THREADS;

    float x[n_own]; // all are read before the first is needed
    for (int n = 0; n < n_own; ++n) {
        const int32_t at = me + n*RANDOM_ROTATE_THREADS;
        const int32_t j  = head.transposed ? at % layout.n_cells : at / layout.width;
        const int32_t i  = head.transposed ? at / layout.n_cells : at % layout.width;
        x[n] = cell + j < end && base + i < d ? random_rotate_number_at<cache>(head, cell + j, base + i) : 0.0f;
    }
    for (int n = 0; n < n_own; ++n) {
        const int32_t at = me + n*RANDOM_ROTATE_THREADS;
        const int32_t j  = head.transposed ? at % layout.n_cells : at / layout.width;
        const int32_t i  = head.transposed ? at / layout.n_cells : at % layout.width;
        tile->x[j*layout.stride + i] = x[n];
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
static RANDOM_ROTATE_ON_GPU void random_rotate_add_measures(random_rotate_tile_layout layout, int32_t me,
        RANDOM_ROTATE_SHARED const random_rotate_tile * tile, RANDOM_ROTATE_LOCAL float * square, RANDOM_ROTATE_LOCAL float * sum) {
    RANDOM_ROTATE_SHARED const float * x = tile->x + me/layout.n_share*layout.stride;
    float s2 = 0.0f;
    float s1 = 0.0f;
    for (int32_t i = me % layout.n_share; i < layout.width; i += layout.n_share) {
        s2 += x[i]*x[i];
        s1 += x[i];
    }
    *square += random_rotate_share_sum(layout, s2);
    *sum    += random_rotate_share_sum(layout, s1);
}
