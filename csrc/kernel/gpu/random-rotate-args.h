// What the host passes to GPU kernels: sizes and strides. Host and device compilers lay out these structs in the same way: 64-bit
// members come first, without padding, and both sides check the assertions below.

#pragma once

#include "random-rotate-gpu-thread.h"

// numbers of threads and tile sizes, which host and device must agree on
#define RANDOM_ROTATE_SIMD          32  // threads that exchange numbers without shared memory
#define RANDOM_ROTATE_MAX_THREADS   512 // per row
#define RANDOM_ROTATE_THREADS       128 // in a block for keys or values
#define RANDOM_ROTATE_ROWS          4   // queries that such a block serves
#define RANDOM_ROTATE_CELLS         32  // cells that such a block serves (keys), or a multiple of them (values)
#define RANDOM_ROTATE_TILE          2048 // numbers of a cache that such a block holds at a time: those of 32 or 16 cells,
#define RANDOM_ROTATE_TILE_WIDTH    128  // at most this many of a cell
#define RANDOM_ROTATE_SLABS         2    // as many times this of a value can be summed in registers
#define RANDOM_ROTATE_SIMD_SUMS     (3*RANDOM_ROTATE_MAX_THREADS/RANDOM_ROTATE_SIMD) // numbers in shared memory for sums over a block
#define RANDOM_ROTATE_MAX_SLICED    (8*RANDOM_ROTATE_QUAD*RANDOM_ROTATE_MAX_THREADS) // numbers of a row that fit into registers
#define RANDOM_ROTATE_MAX_HEAD_SIZE (RANDOM_ROTATE_QUAD*RANDOM_ROTATE_MAX_THREADS)

#define RANDOM_ROTATE_MASK_NONE 0
#define RANDOM_ROTATE_MASK_F16  1
#define RANDOM_ROTATE_MASK_F32  2

struct random_rotate_place_args {
    int32_t n_site;  // of the dose tables
    int32_t n_layer;
    int32_t layer;
    int32_t site;
};

// x: F32 [d, n_head, n_tokens], y: the same, contiguous; heads: I32 [n_head, n_tokens], if they are named
struct random_rotate_rows_args {
    uint64_t x_nb1;
    uint64_t x_nb2;
    uint64_t heads_nb0;
    uint64_t heads_nb1;
    struct random_rotate_place_args at;
    int32_t  d;
    int32_t  n_head;
    int32_t  only;  // GGML_RANDOM_ROTATE_ISOTROPIC, ..., or -1 for any
    int32_t  named; // whether heads says which head each row belongs to
};

// q: F32 [d, n_tokens, n_head, n_stream], k: [d, n_kv, n_head_kv, n_stream], mask: [n_kv, n_tokens, n, n_stream],
// y: F32 [n_kv, n_tokens, n_head, n_stream], contiguous
struct random_rotate_scores_args {
    uint64_t q_nb1;
    uint64_t q_nb2;
    uint64_t q_nb3;
    uint64_t k_nb1;
    uint64_t k_nb2;
    uint64_t k_nb3;
    uint64_t mask_nb1;
    uint64_t mask_nb2;
    uint64_t mask_nb3;
    struct random_rotate_place_args at;
    int32_t  d;
    int32_t  n_kv;
    int32_t  n_tokens;
    int32_t  n_head;
    int32_t  n_head_kv;
    int32_t  mask_ne2;
    int32_t  mask_ne3;
    int32_t  mask_type; // RANDOM_ROTATE_MASK_...
};

// p: F32 [n_kv, n_tokens, n_head, n_stream], v: [d, n_kv, n_head_kv, n_stream] or, transposed, [n_kv, d, n_head_kv, n_stream],
// parts: F32 [d + RANDOM_ROTATE_PART_SIZE, n_chunks, n_tokens, n_head, n_stream], y: F32 [d, n_tokens, n_head, n_stream]
struct random_rotate_values_args {
    uint64_t p_nb1;
    uint64_t p_nb2;
    uint64_t p_nb3;
    uint64_t v_nb1;
    uint64_t v_nb2;
    uint64_t v_nb3;
    struct random_rotate_place_args at;
    int32_t  d;
    int32_t  n_kv;
    int32_t  n_tokens;
    int32_t  n_head;
    int32_t  n_head_kv;
    int32_t  transposed;
    int32_t  n_chunk;   // cells in a chunk
    int32_t  n_chunks;
};

// a tile, with room between cells so that the threads of a SIMD group use different banks
struct random_rotate_tile {
    alignas(16) float x[RANDOM_ROTATE_TILE + RANDOM_ROTATE_THREADS];
};

// shared by the threads of a block for keys
struct random_rotate_scores_shared {
    random_rotate_tile tile;
    alignas(16) float query[RANDOM_ROTATE_TILE_WIDTH][RANDOM_ROTATE_ROWS]; // read four at a time
    float   score [RANDOM_ROTATE_ROWS][RANDOM_ROTATE_CELLS];
    float   square[RANDOM_ROTATE_CELLS]; // of the keys
    float   sum   [RANDOM_ROTATE_CELLS];
    int32_t seen  [RANDOM_ROTATE_ROWS];  // whether the query attends to any of the cells
};

// shared by the threads of a block for values
struct random_rotate_values_shared {
    random_rotate_tile tile;
    alignas(16) float factor[RANDOM_ROTATE_CELLS][RANDOM_ROTATE_ROWS]; // the factor for each value, read four at a time
    float   square[RANDOM_ROTATE_CELLS]; // of the values
    float   sum   [RANDOM_ROTATE_CELLS];
    int32_t weighs[RANDOM_ROTATE_ROWS];  // whether any of the cells has a weight for a query,
    int32_t doses [RANDOM_ROTATE_ROWS];  // whether it has noise,
    int32_t leans [RANDOM_ROTATE_ROWS];  // and whether that depends on the sums of values
};

// shared by the threads of a block that adds up a row
struct random_rotate_finish_shared {
    float sum [RANDOM_ROTATE_MAX_HEAD_SIZE];
    float simd[RANDOM_ROTATE_SIMD_SUMS];
};

// on Apple GPUs, a threadgroup has 32 KiB of shared memory
static_assert(sizeof(random_rotate_values_shared) <= 16*1024 && sizeof(random_rotate_scores_shared) <= 16*1024 &&
    sizeof(random_rotate_finish_shared) <= 16*1024, "two blocks fit");
static_assert(sizeof(random_rotate_rows_args)   == 4*8 +  8*4, "holes would differ between host and card");
static_assert(sizeof(random_rotate_scores_args) == 9*8 + 12*4, "holes would differ between host and card");
static_assert(sizeof(random_rotate_values_args) == 6*8 + 12*4, "holes would differ between host and card");
