// Traces: what a context computes inside for the tokens that are output, read while it does so, on any device.
//
// A trace is asked for, tokens are decoded, and its rows are read: one for each token that is output, in the order in which they were
// computed. A context without a trace computes what llama.cpp computes, and nothing is copied.
//
// All functions return a code of enum llama_drugs_status. They never abort, and no C++ exception leaves them. They must not run at
// the same time as llama_decode() or llama_encode() on the same context.

#pragma once

#include "llama-drugs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// what is kept of a row; those that belong to a layer are asked for by layer
enum llama_trace_part {
    LLAMA_TRACE_HIDDEN    = 0, // what leaves a layer, [n_embd]; layer 0 here is what the model's first layer reads, layer i + 1 leaves
                               // its layer i. Of several residual streams (Gemma 3n, DeepSeek-V4), the first
    LLAMA_TRACE_NORM      = 1, // what the last layer leaves, after the final norm, [n_embd]
    LLAMA_TRACE_LOGITS    = 2, // [n_vocab]
    LLAMA_TRACE_HEADS     = 3, // attention outputs of each head, dosed if they are, [n_embd_head, n_head]
    LLAMA_TRACE_ATTENTION = 4, // attention weights of each head, over positions 0, 1, ..., [n_positions, n_head]

    LLAMA_TRACE_PART_COUNT,
};

struct llama_trace_params {
    const bool * hidden;    // [n_layer + 1]; NULL: none
    const bool * heads;     // [n_layer], NULL: none
    const bool * attention; // [n_layer], NULL: none; these layers compute attention without flash attention
    int32_t      n_layer;   // the model's, see llama_drugs_n_layer()
    bool         norm;
    bool         logits;
};

struct llama_trace_values {
    const float * data;   // [n_column, n_row], valid until the next llama_decode(), llama_trace_clear() or llama_trace_end()
    int64_t       n_column;
    int64_t       n_row;
};

// from the next token on; a trace that is there already is ended
LLAMA_API int32_t llama_trace_begin(struct llama_context * ctx, const struct llama_trace_params * params);

// LLAMA_DRUGS_OK also where there is none
LLAMA_API int32_t llama_trace_end(struct llama_context * ctx);

// forget the rows
LLAMA_API int32_t llama_trace_clear(struct llama_context * ctx);

// number of rows, or a negative status
LLAMA_API int32_t llama_trace_n_rows(const struct llama_context * ctx);

// which token a row belongs to
LLAMA_API int32_t llama_trace_token(const struct llama_context * ctx, int32_t row, llama_seq_id * seq_id, llama_pos * pos);

// a part of a row; layer: 0 for a part that belongs to none
// LLAMA_DRUGS_ERR_TRACE: it was not asked for, or this model has none there
LLAMA_API int32_t llama_trace_get(
        const struct llama_context * ctx,
        int32_t                      row,
        enum llama_trace_part        part,
        int32_t                      layer,
        struct llama_trace_values  * out);

// The logit lens: what the final norm and the head make of vectors, F32 [n_embd, n_rows] -> logits F32 [n_vocab, n_rows].
// nostalgebraist, "interpreting GPT: the logit lens" (2020).
// LLAMA_DRUGS_ERR_TRACE: the model has no head, or more than the last layer's output goes into it
LLAMA_API int32_t llama_trace_lens(struct llama_context * ctx, const float * hidden, int32_t n_rows, float * logits);

#ifdef __cplusplus
}
#endif
