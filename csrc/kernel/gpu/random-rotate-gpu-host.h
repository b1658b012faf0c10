// Shared by the host code of CUDA and Metal: which ops the kernels support, and the arguments they get.

#pragma once

#include "random-rotate-args.h"

#include "ggml-impl.h"

#include <algorithm>

// whether a cache of this type can be read: see random-rotate-gpu-cache.h
static inline bool random_rotate_gpu_reads(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q5_1:
            return true;
        default:
            return false;
    }
}

static inline bool random_rotate_gpu_supports(const ggml_tensor * op) {
    switch (op->op) {
        case GGML_OP_RANDOM_ROTATE:
            return true;
        case GGML_OP_RANDOM_ROTATE_SCORES:
            return random_rotate_gpu_reads(op->src[1]->type);
        case GGML_OP_RANDOM_ROTATE_VALUES:
            return random_rotate_gpu_reads(op->src[1]->type) && op->ne[0] <= RANDOM_ROTATE_MAX_HEAD_SIZE;
        default:
            return false;
    }
}

static inline random_rotate_place_args random_rotate_place_of(const ggml_tensor * op, const ggml_tensor * doses) {
    return {
        /*.n_site  =*/ (int32_t) doses->ne[0],
        /*.n_layer =*/ (int32_t) doses->ne[1],
        /*.layer   =*/ ggml_get_op_params_i32(op, 0),
        /*.site    =*/ ggml_get_op_params_i32(op, 1),
    };
}

static inline random_rotate_rows_args random_rotate_rows_args_of(const ggml_tensor * op) {
    const ggml_tensor * x     = op->src[0];
    const ggml_tensor * heads = op->src[3];
    return {
        /*.x_nb1     =*/ x->nb[1],
        /*.x_nb2     =*/ x->nb[2],
        /*.heads_nb0 =*/ heads ? heads->nb[0] : 0,
        /*.heads_nb1 =*/ heads ? heads->nb[1] : 0,
        /*.at        =*/ random_rotate_place_of(op, op->src[1]),
        /*.d         =*/ (int32_t) x->ne[0],
        /*.n_head    =*/ (int32_t) x->ne[1],
        /*.only      =*/ ggml_get_op_params_i32(op, 2),
        /*.named     =*/ heads != nullptr,
    };
}

// counters per thread for a row in registers: one, or several if there would be too many threads; 0: the row is too long
static inline int random_rotate_quads(int64_t d) {
    return d > RANDOM_ROTATE_MAX_SLICED ? 0 :
        d <= RANDOM_ROTATE_QUAD*RANDOM_ROTATE_MAX_THREADS ? 1 : d <= 4*RANDOM_ROTATE_QUAD*RANDOM_ROTATE_MAX_THREADS ? 4 : 8;
}

// threads per row, in whole SIMD groups; counters come in groups of 16
static inline int random_rotate_row_threads(int64_t d) {
    if (random_rotate_quads(d) == 0) {
        return RANDOM_ROTATE_MAX_THREADS;
    }
    const int64_t n_counters = (d + RANDOM_ROTATE_GROUP - 1)/RANDOM_ROTATE_GROUP*16;
    return (int) GGML_PAD((n_counters + random_rotate_quads(d) - 1)/random_rotate_quads(d), RANDOM_ROTATE_SIMD);
}

static inline random_rotate_scores_args random_rotate_scores_args_of(const ggml_tensor * op) {
    const ggml_tensor * q    = op->src[0];
    const ggml_tensor * k    = op->src[1];
    const ggml_tensor * mask = op->src[5];
    return {
        /*.q_nb1     =*/ q->nb[1],
        /*.q_nb2     =*/ q->nb[2],
        /*.q_nb3     =*/ q->nb[3],
        /*.k_nb1     =*/ k->nb[1],
        /*.k_nb2     =*/ k->nb[2],
        /*.k_nb3     =*/ k->nb[3],
        /*.mask_nb1  =*/ mask ? mask->nb[1] : 0,
        /*.mask_nb2  =*/ mask ? mask->nb[2] : 0,
        /*.mask_nb3  =*/ mask ? mask->nb[3] : 0,
        /*.at        =*/ random_rotate_place_of(op, op->src[2]),
        /*.d         =*/ (int32_t) q->ne[0],
        /*.n_kv      =*/ (int32_t) k->ne[1],
        /*.n_tokens  =*/ (int32_t) q->ne[1],
        /*.n_head    =*/ (int32_t) q->ne[2],
        /*.n_head_kv =*/ (int32_t) k->ne[2],
        /*.mask_ne2  =*/ mask ? (int32_t) mask->ne[2] : 1,
        /*.mask_ne3  =*/ mask ? (int32_t) mask->ne[3] : 1,
        /*.mask_type =*/ !mask ? RANDOM_ROTATE_MASK_NONE : mask->type == GGML_TYPE_F16 ? RANDOM_ROTATE_MASK_F16 : RANDOM_ROTATE_MASK_F32,
    };
}

// blocks among which the queries of a key or value head are divided
static inline int64_t random_rotate_row_blocks(int32_t n_tokens, int32_t n_head, int32_t n_head_kv) {
    return (n_tokens*(n_head/n_head_kv) + RANDOM_ROTATE_ROWS - 1)/RANDOM_ROTATE_ROWS;
}

static inline int64_t random_rotate_scores_tiles(const random_rotate_scores_args & args) {
    return (args.n_kv + RANDOM_ROTATE_CELLS - 1)/RANDOM_ROTATE_CELLS;
}

static inline random_rotate_values_args random_rotate_values_args_of(const ggml_tensor * op) {
    const ggml_tensor * p = op->src[0];
    const ggml_tensor * v = op->src[1];

    // enough blocks to keep a large GPU busy, and no more, because chunks have to be combined
    const int64_t n_blocks = random_rotate_row_blocks(p->ne[1], p->ne[2], v->ne[2])*v->ne[2]*v->ne[3];
    const int64_t wanted   = std::max<int64_t>(1, 512/n_blocks);
    const int64_t n_chunk  = GGML_PAD((p->ne[0] + wanted - 1)/wanted, RANDOM_ROTATE_CELLS);
    return {
        /*.p_nb1      =*/ p->nb[1],
        /*.p_nb2      =*/ p->nb[2],
        /*.p_nb3      =*/ p->nb[3],
        /*.v_nb1      =*/ v->nb[1],
        /*.v_nb2      =*/ v->nb[2],
        /*.v_nb3      =*/ v->nb[3],
        /*.at         =*/ random_rotate_place_of(op, op->src[2]),
        /*.d          =*/ (int32_t) op->ne[0],
        /*.n_kv       =*/ (int32_t) p->ne[0],
        /*.n_tokens   =*/ (int32_t) p->ne[1],
        /*.n_head     =*/ (int32_t) p->ne[2],
        /*.n_head_kv  =*/ (int32_t) v->ne[2],
        /*.transposed =*/ ggml_get_op_params_i32(op, 2),
        /*.n_chunk    =*/ (int32_t) n_chunk,
        /*.n_chunks   =*/ (int32_t) ((p->ne[0] + n_chunk - 1)/n_chunk),
    };
}

// threads that add up a row: enough to read many chunks at once
static inline int random_rotate_finish_threads(int64_t d) {
    return std::max(256, random_rotate_row_threads(d));
}

// bytes that the first kernel for values passes to the second
static inline size_t random_rotate_values_parts_size(const ggml_tensor * op) {
    const random_rotate_values_args args = random_rotate_values_args_of(op);
    return (args.d + RANDOM_ROTATE_PART_SIZE)*args.n_chunks*ggml_nrows(op)*sizeof(float);
}
