// What the host passes to the shaders as push constants, at most 128 bytes, and what both must agree on. C++ and GLSL compile this
// file. Sizes and strides count numbers of 4 bytes, those of a cache and a mask words of 2 bytes; "..._at" is where a tensor
// begins in its buffer.

#pragma once

#include "random-rotate-gpu-thread.h"

#define RANDOM_ROTATE_VULKAN_THREADS 128   // in a workgroup for keys or values
#define RANDOM_ROTATE_VULKAN_ROWS    4     // queries that such a workgroup serves
#define RANDOM_ROTATE_VULKAN_CELLS   32    // cells that it serves at a time
#define RANDOM_ROTATE_VULKAN_WIDTH   64    // numbers of these cells that it holds at a time: a slab
#define RANDOM_ROTATE_VULKAN_GRID    65535 // workgroups along an axis that every device can have

#define RANDOM_ROTATE_VULKAN_MASK_NONE 0
#define RANDOM_ROTATE_VULKAN_MASK_F16  1
#define RANDOM_ROTATE_VULKAN_MASK_F32  2

// types of caches: values of enum ggml_type
#define RANDOM_ROTATE_VULKAN_F32  0
#define RANDOM_ROTATE_VULKAN_F16  1
#define RANDOM_ROTATE_VULKAN_Q4_0 2
#define RANDOM_ROTATE_VULKAN_Q4_1 3
#define RANDOM_ROTATE_VULKAN_Q5_0 6
#define RANDOM_ROTATE_VULKAN_Q5_1 7
#define RANDOM_ROTATE_VULKAN_Q8_0 8
#define RANDOM_ROTATE_VULKAN_BF16 30

struct random_rotate_vulkan_place {
    int32_t doses_at;
    int32_t tokens_at;
    int32_t n_site;  // of the dose tables
    int32_t n_layer;
    int32_t layer;
    int32_t site;
};

// x: F32 [d, n_head, n_tokens], y: the same, contiguous; heads: I32 [n_head, n_tokens], if they are named
struct random_rotate_vulkan_rows {
    random_rotate_vulkan_place at;
    int32_t x_at;
    int32_t x_nb1;
    int32_t x_nb2;
    int32_t heads_at;
    int32_t heads_nb0;
    int32_t heads_nb1;
    int32_t d;
    int32_t n_head;
    int32_t n_rows;
    int32_t only;  // GGML_RANDOM_ROTATE_ISOTROPIC, ..., or -1 for any
    int32_t named; // whether heads says which head each row belongs to
};

// q: F32 [d, n_tokens, n_head, n_stream], k: [d, n_kv, n_head_kv, n_stream], mask: [n_kv, n_tokens, n, n_stream],
// cells: I32 [n_kv, n_stream], y: F32 [n_kv, n_tokens, n_head, n_stream], contiguous
struct random_rotate_vulkan_scores {
    random_rotate_vulkan_place at;
    int32_t q_at;
    int32_t q_nb1;
    int32_t q_nb2;
    int32_t q_nb3;
    int32_t k_at;
    int32_t k_nb1;
    int32_t k_nb2;
    int32_t k_nb3;
    int32_t mask_at;
    int32_t mask_nb1;
    int32_t mask_nb2;
    int32_t mask_nb3;
    int32_t cells_at;
    int32_t d;
    int32_t n_kv;
    int32_t n_tokens;
    int32_t n_head;
    int32_t n_head_kv;
    int32_t mask_ne2;
    int32_t mask_ne3;
    int32_t mask_type; // RANDOM_ROTATE_VULKAN_MASK_...
};

// p: F32 [n_kv, n_tokens, n_head, n_stream], v: [d, n_kv, n_head_kv, n_stream] or, transposed, [n_kv, d, n_head_kv, n_stream],
// cells: I32 [n_kv, n_stream], parts: F32 [d + RANDOM_ROTATE_PART_SIZE, n_chunks, n_tokens, n_head, n_stream],
// y: F32 [d, n_tokens, n_head, n_stream], contiguous
struct random_rotate_vulkan_values {
    random_rotate_vulkan_place at;
    int32_t p_at;
    int32_t p_nb1;
    int32_t p_nb2;
    int32_t p_nb3;
    int32_t v_at;
    int32_t v_nb1;
    int32_t v_nb2;
    int32_t v_nb3;
    int32_t cells_at;
    int32_t d;
    int32_t n_kv;
    int32_t n_tokens;
    int32_t n_head;
    int32_t n_head_kv;
    int32_t n_rows;     // of the result
    int32_t transposed;
    int32_t n_chunk;    // cells in a chunk
    int32_t n_chunks;
};
