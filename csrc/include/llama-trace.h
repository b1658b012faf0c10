// Traces: internal values of a model for the tokens that are output, read while it computes, on any device.
//
// Begin a trace, decode tokens, and read the rows: one for each token that is output, in the order in which they were computed. Without a
// trace, a context computes what llama.cpp computes, and nothing is copied.
//
// Unless noted otherwise, functions return a code of enum llama_drugs_status. They never abort and never throw a C++ exception. They must
// not be called while llama_decode() or llama_encode() runs on the same context.

#pragma once

#include "llama-drugs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// the parts of a row; those that belong to a layer are requested by layer
enum llama_trace_part {
    LLAMA_TRACE_HIDDEN    = 0, // output of a layer, [n_embd]; here, layer 0 is the input of the model's first layer, and layer i + 1
                               // the output of its layer i. With several residual streams (Gemma 3n, DeepSeek-V4): the first one
    LLAMA_TRACE_NORM      = 1, // output of the last layer after the final norm, [n_embd]
    LLAMA_TRACE_LOGITS    = 2, // [n_vocab]
    LLAMA_TRACE_HEADS     = 3, // attention output of each head, with the dose if there is one, [n_embd_head, n_head]
    LLAMA_TRACE_ATTENTION = 4, // attention weights of each head over positions 0, 1, ..., [n_positions, n_head]

    LLAMA_TRACE_PART_COUNT,
};

struct llama_trace_params {
    const bool * hidden;    // [n_layer + 1]; NULL: none
    const bool * heads;     // [n_layer], NULL: none
    const bool * attention; // [n_layer], NULL: none; these layers are computed without flash attention
    int32_t      n_layer;   // the model's, see llama_drugs_n_layer()
    bool         norm;
    bool         logits;
};

struct llama_trace_values {
    const float * data;   // [n_column, n_row], valid until the next llama_decode(), llama_trace_clear() or llama_trace_end()
    int64_t       n_column;
    int64_t       n_row;
};

// Begins a trace at the next token. An existing trace is ended.
LLAMA_API int32_t llama_trace_begin(struct llama_context * ctx, const struct llama_trace_params * params);

// Returns LLAMA_DRUGS_OK also if there is no trace.
LLAMA_API int32_t llama_trace_end(struct llama_context * ctx);

// Discards the rows.
LLAMA_API int32_t llama_trace_clear(struct llama_context * ctx);

// Returns the number of rows, or a negative status.
LLAMA_API int32_t llama_trace_n_rows(const struct llama_context * ctx);

// Gets the sequence and the position of a row's token.
LLAMA_API int32_t llama_trace_token(const struct llama_context * ctx, int32_t row, llama_seq_id * seq_id, llama_pos * pos);

// Gets a part of a row. layer: 0 for parts that do not belong to a layer.
// Returns LLAMA_DRUGS_ERR_TRACE if the part was not requested, or if the model does not have it there.
LLAMA_API int32_t llama_trace_get(
        const struct llama_context * ctx,
        int32_t                      row,
        enum llama_trace_part        part,
        int32_t                      layer,
        struct llama_trace_values  * out);

// The logit lens: applies the final norm and the output head to vectors, F32 [n_embd, n_rows] -> logits F32 [n_vocab, n_rows].
// nostalgebraist, "interpreting GPT: the logit lens" (2020).
// Returns LLAMA_DRUGS_ERR_TRACE if the model has no output head, or if the head reads more than the last layer's output.
LLAMA_API int32_t llama_trace_lens(struct llama_context * ctx, const float * hidden, int32_t n_rows, float * logits);

#ifdef __cplusplus
}
#endif
