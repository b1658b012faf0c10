// Random rotations as graph ops: vectors are turned by random angles.
//
//   GGML_OP_RANDOM_ROTATE         rows of a tensor
//   GGML_OP_RANDOM_ROTATE_SCORES  keys, as read for attention scores
//   GGML_OP_RANDOM_ROTATE_VALUES  values, as read for the attention output
//
// A vector x becomes cos(theta) x + sin(theta) |x| u/|u|, theta ~ Uniform(0, T), where u is the part orthogonal to x of d
// independent random numbers. With T = 0 or d = 1, the result is x, bit for bit.
//
// Everything random is a pure function of (seed, position, layer, site, head) and, for keys and values, of the position
// that reads them, so rows can be computed in any order, by any number of threads and on any backend. A token may use the
// random numbers of another position, and all layers may use those of layer 0. Doses, seeds and positions are data:
// changing them does not rebuild the graph.

#pragma once

#include "ggml.h"
#include "random-rotate-token.h"

#ifdef __cplusplus
extern "C" {
#endif

// doses, for all three ops: F32 [n_site, n_layer, n_tables], largest angles T in radians, contiguous
// tokens, for all three ops: contiguous; the tokens of all streams, one stream after the other

// sets a token's parameters for the ops, [GGML_RANDOM_ROTATE_TOKEN_SIZE]: rotations by uniform angles up to the table's, with
// separate random numbers at each site and in each layer
static inline void ggml_random_rotate_set_token(int32_t * token, uint32_t seed, int32_t position, int32_t table, int32_t noise, int32_t n_sink) {
    token[GGML_RANDOM_ROTATE_TOKEN_SEED]   = (int32_t) seed;
    token[GGML_RANDOM_ROTATE_TOKEN_TABLE]  = table;
    token[GGML_RANDOM_ROTATE_TOKEN_FACTOR] = 0x3f800000; // 1
    token[GGML_RANDOM_ROTATE_TOKEN_SINK]   = n_sink;
    token[GGML_RANDOM_ROTATE_TOKEN_NOISE]  = noise;
    token[GGML_RANDOM_ROTATE_TOKEN_ANGLE]  = GGML_RANDOM_ROTATE_UNIFORM;
    token[GGML_RANDOM_ROTATE_TOKEN_TURN]   = GGML_RANDOM_ROTATE_ROTATION;
    token[GGML_RANDOM_ROTATE_TOKEN_APART]  = 0;
    token[GGML_RANDOM_ROTATE_TOKEN_LAYERS] = -1;
    for (int i = GGML_RANDOM_ROTATE_TOKEN_TIME; i < GGML_RANDOM_ROTATE_TOKEN_SIZE; ++i) {
        token[i] = position;
    }
}

// x: F32 [d, n_head, n_tokens], any strides
// result: F32 [d, n_head, n_tokens]
GGML_API struct ggml_tensor * ggml_random_rotate(
        struct ggml_context * ctx,
        struct ggml_tensor  * x,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site);

// whether a tensor is the result of one of these ops
static inline bool ggml_is_random_rotate(const struct ggml_tensor * tensor) {
    return tensor->op == GGML_OP_RANDOM_ROTATE || tensor->op == GGML_OP_RANDOM_ROTATE_SCORES || tensor->op == GGML_OP_RANDOM_ROTATE_VALUES;
}

// restrict a rotation to tokens with one kind of noise (GGML_RANDOM_ROTATE_ISOTROPIC, ...); the others are copied
GGML_API void ggml_random_rotate_only(struct ggml_tensor * rotated, int noise);

// let the rows of a rotation use other random numbers than those of heads 0, 1, ...: row i of a token uses those of head
// heads[i] + 1
// heads: I32 [n_head, n_tokens], any strides
GGML_API void ggml_random_rotate_name_heads(struct ggml_tensor * rotated, struct ggml_tensor * heads);

// scores q.k, as if each query head had its own freshly turned copy of each key
// q:      F32 [d, n_tokens, n_head, n_stream], rows contiguous
// k:      any type, [d, n_kv, n_head_kv, n_stream], rows contiguous
// mask:   F32 or F16 [n_kv, n_tokens, n, n_stream] or NULL; where it is -INFINITY, the score may be anything
// cells:  I32 [n_kv, n_stream], position of each key, or -1
// result: F32 [n_kv, n_tokens, n_head, n_stream]
GGML_API struct ggml_tensor * ggml_random_rotate_scores(
        struct ggml_context * ctx,
        struct ggml_tensor  * q,
        struct ggml_tensor  * k,
        struct ggml_tensor  * mask,
        struct ggml_tensor  * cells,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site);

// sum of the values v weighted by p, as if each query head had its own freshly turned copy of each value
// p:      F32 [n_kv, n_tokens, n_head, n_stream], non-negative, rows contiguous
// v:      any type, [d, n_kv, n_head_kv, n_stream], or [n_kv, d, n_head_kv, n_stream] if transposed; rows contiguous
// cells:  I32 [n_kv, n_stream], position of each value, or -1
// result: F32 [d, n_tokens, n_head, n_stream]
GGML_API struct ggml_tensor * ggml_random_rotate_values(
        struct ggml_context * ctx,
        struct ggml_tensor  * p,
        struct ggml_tensor  * v,
        bool                  transposed,
        struct ggml_tensor  * cells,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site);

#ifdef __cplusplus
}
#endif
