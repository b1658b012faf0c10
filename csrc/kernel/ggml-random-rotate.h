// The op GGML_OP_RANDOM_ROTATE: turns rows of a tensor by random angles.

#pragma once

#include "ggml.h"

#ifdef __cplusplus
extern "C" {
#endif

// what a token tells the op, in this order: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
enum ggml_random_rotate_token {
    GGML_RANDOM_ROTATE_TOKEN_SEED     = 0, // bits of a uint32_t
    GGML_RANDOM_ROTATE_TOKEN_POSITION = 1,
    GGML_RANDOM_ROTATE_TOKEN_TABLE    = 2, // which dose table, or -1: the token's rows are copied

    GGML_RANDOM_ROTATE_TOKEN_SIZE     = 3,
};

// x: F32 [d, n_head, n_tokens], any strides
// doses: F32 [n_site, n_layer, n_tables], largest angles T in radians, contiguous
// tokens: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens], contiguous
// result: F32 [d, n_head, n_tokens]; each row x becomes cos(theta) x + sin(theta) |x| u/|u| with theta ~ Uniform(0, T) and
// u uniform on the sphere orthogonal to x; T = 0 and d = 1 give x back, bit for bit
//
// Everything random is a pure function of (seed, position, layer, site, head), so rows, threads and backends can be
// computed in any order. Doses, seeds and positions are data: a change of them rebuilds no graph.
GGML_API struct ggml_tensor * ggml_random_rotate(
        struct ggml_context * ctx,
        struct ggml_tensor  * x,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site);

#ifdef __cplusplus
}
#endif
