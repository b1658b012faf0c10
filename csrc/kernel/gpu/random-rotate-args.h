// What the host passes to GPU kernels: sizes and strides. Host and device compilers lay out these structs in the same way: 64-bit
// members come first, without padding, and both sides check the assertions below.

#pragma once

#include "random-rotate-attend.h"

// numbers of threads and tile sizes, which host and device must agree on
#define RANDOM_ROTATE_SIMD          32  // threads that exchange numbers without shared memory
#define RANDOM_ROTATE_MAX_THREADS   512 // per row
#define RANDOM_ROTATE_QUAD          4   // numbers of a row that one counter gives
#define RANDOM_ROTATE_THREADS       128 // in a block for keys or values
#define RANDOM_ROTATE_ROWS          4   // queries that such a block serves
#define RANDOM_ROTATE_SCORES_TILE   64  // cells that a block for keys serves
#define RANDOM_ROTATE_VALUES_TILE   512 // cells that a block for values holds at a time
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
    int32_t  only;  // enum ggml_random_rotate_noise, or -1 for any
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

// shared by the threads of a block for keys
struct random_rotate_scores_shared {
    float   score [RANDOM_ROTATE_ROWS][RANDOM_ROTATE_SCORES_TILE];
    float   square[RANDOM_ROTATE_SCORES_TILE]; // of the keys
    float   sum   [RANDOM_ROTATE_SCORES_TILE];
    float   q_square[RANDOM_ROTATE_ROWS];
    float   q_sum   [RANDOM_ROTATE_ROWS];
    int32_t seen; // whether any of the queries attends to any of the cells
};

// shared by the threads of a block for values
struct random_rotate_values_shared {
    float factor[RANDOM_ROTATE_ROWS][RANDOM_ROTATE_VALUES_TILE]; // the factor for each value
    float norm  [RANDOM_ROTATE_VALUES_TILE];
    float lean  [RANDOM_ROTATE_VALUES_TILE];
    float sum   [RANDOM_ROTATE_ROWS][RANDOM_ROTATE_THREADS];
    float part  [RANDOM_ROTATE_ROWS][RANDOM_ROTATE_THREADS/RANDOM_ROTATE_SIMD][RANDOM_ROTATE_PART_SIZE];
};

// on Apple GPUs, a threadgroup has 32 KiB of shared memory
static_assert(sizeof(random_rotate_values_shared) <= 16*1024 && sizeof(random_rotate_scores_shared) <= 16*1024, "two blocks fit");
static_assert(sizeof(random_rotate_rows_args)   == 4*8 +  8*4, "holes would differ between host and card");
static_assert(sizeof(random_rotate_scores_args) == 9*8 + 12*4, "holes would differ between host and card");
static_assert(sizeof(random_rotate_values_args) == 6*8 + 12*4, "holes would differ between host and card");
