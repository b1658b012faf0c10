// DRµGS for llama.cpp: while the model thinks, vectors inside its attention layers are turned by small random angles.
//
// A dose belongs to a sequence of a context, not to the context: one batch may hold sequences with different doses,
// different seeds, and none. A sequence without a dose computes bit for bit what llama.cpp computes without this file.
//
// All functions return a code of enum llama_drugs_status and never abort. They must not run at the same time as
// llama_decode() or llama_encode() on the same context.

#pragma once

#include "llama.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// the places where vectors are turned; the order is the order of the columns of a dose table
enum llama_drugs_site {
    LLAMA_DRUGS_SITE_H  = 0, // input of the query, key and value projections  [n_embd]      per token
    LLAMA_DRUGS_SITE_Q  = 1, // query heads                                    [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_A  = 2, // attention output of each head                  [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_PK = 3, // the token's own key heads, on the way into the cache
    LLAMA_DRUGS_SITE_PV = 4, // the token's own value heads, on the way into the cache

    LLAMA_DRUGS_SITE_COUNT,
};

// how the direction of a turn is drawn
enum llama_drugs_noise {
    LLAMA_DRUGS_NOISE_ISOTROPIC = 0, // uniform on the sphere orthogonal to the vector
};

enum llama_drugs_status {
    LLAMA_DRUGS_OK          =  0,
    LLAMA_DRUGS_SOBER       =  1, // not an error: the sequence has no dose
    LLAMA_DRUGS_ERR_POINTER = -1, // a pointer is NULL
    LLAMA_DRUGS_ERR_SEQ     = -2, // no such sequence in this context
    LLAMA_DRUGS_ERR_LAYERS  = -3, // n_layer is not the model's
    LLAMA_DRUGS_ERR_ANGLE   = -4, // an angle is negative, infinite or not a number
    LLAMA_DRUGS_ERR_SINK    = -5, // the number of sink positions is negative
    LLAMA_DRUGS_ERR_NOISE   = -6, // unknown kind of noise
    LLAMA_DRUGS_ERR_DEVICE  = -7, // the model runs on a device that cannot turn vectors (RPC, tensor parallelism)
    LLAMA_DRUGS_ERR_MEMORY  = -8, // out of memory
};

struct llama_drugs_params {
    const float          * doses;   // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer], largest angles in radians, site fastest
    int32_t                n_layer;
    uint32_t               seed;    // same seed, same noise: whatever the threads, the batch split or the backend
    int32_t                n_sink;  // positions 0 .. n_sink - 1 are never dosed
    enum llama_drugs_noise noise;
};

// dose a sequence from its next token on; the table is copied
// a token that belongs to several sequences is dosed only if all of them have the same dose
LLAMA_API int32_t llama_drugs_set(struct llama_context * ctx, llama_seq_id seq_id, const struct llama_drugs_params * params);

// read a sequence's dose; out->doses stays valid until the next llama_drugs_set() or llama_drugs_clear() of that sequence
// LLAMA_DRUGS_SOBER if it has none (out is then left as it was)
LLAMA_API int32_t llama_drugs_get(const struct llama_context * ctx, llama_seq_id seq_id, struct llama_drugs_params * out);

// make a sequence sober again, or all of them with seq_id = -1
LLAMA_API int32_t llama_drugs_clear(struct llama_context * ctx, llama_seq_id seq_id);

// number of rows of this context's dose tables, or LLAMA_DRUGS_ERR_POINTER
LLAMA_API int32_t llama_drugs_n_layer(const struct llama_context * ctx);

// "H", "Q", "A", "pK", "pV"; NULL for anything else
LLAMA_API const char * llama_drugs_site_name(enum llama_drugs_site site);

// one sentence for a code of enum llama_drugs_status
LLAMA_API const char * llama_drugs_status_text(int32_t status);

#ifdef __cplusplus
}
#endif
