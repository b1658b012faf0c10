// Random rotations in a graph: vectors are turned by random angles.
//
//   GGML_OP_RANDOM_ROTATE         rows of a tensor
//   GGML_OP_RANDOM_ROTATE_SCORES  keys, as the scores of attention read them
//   GGML_OP_RANDOM_ROTATE_VALUES  values, as the output of attention reads them
//
// A vector x becomes cos(theta) x + sin(theta) |x| u/|u|, theta ~ Uniform(0, T); u is what is orthogonal to x of d independent
// random numbers. T = 0 gives x back, bit for bit, and so does d = 1.
//
// Everything random is a pure function of (seed, position, layer, site, head) and, for keys and values, of the position that
// reads them; so rows, threads and backends can be computed in any order. A token may have the numbers of another position, and those
// of layer 0 in all layers. Doses, seeds and positions are data: a change of them
// rebuilds no graph.

#pragma once

#include "ggml.h"
#include "random-rotate-token.h"

#ifdef __cplusplus
extern "C" {
#endif

// doses, of all three: F32 [n_site, n_layer, n_tables], largest angles T in radians, contiguous
// tokens, of all three: contiguous; those of all streams, one stream after the other

// fills in what a token tells the ops, [GGML_RANDOM_ROTATE_TOKEN_SIZE]: rotations by uniform angles up to the table's, with numbers of
// its own at each site and in each layer
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

// let a rotation turn tokens of one kind of noise alone (enum ggml_random_rotate_noise) and copy the others
GGML_API void ggml_random_rotate_only(struct ggml_tensor * rotated, int noise);

// let rows of a rotation have other numbers than those of head 0, 1, ...: row i of a token is that of head heads[i] + 1
// heads: I32 [n_head, n_tokens], any strides
GGML_API void ggml_random_rotate_name_heads(struct ggml_tensor * rotated, struct ggml_tensor * heads);

// scores q.k, as if each query head had its own, freshly turned, copy of each key
// q:      F32 [d, n_tokens, n_head, n_stream], rows contiguous
// k:      any type, [d, n_kv, n_head_kv, n_stream], rows contiguous
// mask:   F32 or F16 [n_kv, n_tokens, n, n_stream] or NULL; where it is -INFINITY, any score is good
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

// sum of values v weighted by p, as if each query head had its own, freshly turned, copy of each value
// p:      F32 [n_kv, n_tokens, n_head, n_stream], not negative, rows contiguous
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
