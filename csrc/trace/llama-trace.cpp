#include "llama-trace.h"

#include "llama-trace-record.h"

#include "llama-context.h"
#include "llama-impl.h"
#include "llama-model.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>

// vectors per pass of a lens; more would need more memory, because each gives one logit per token of the vocabulary
static constexpr int32_t LENS_ROWS = 64;

int32_t llama_trace_begin(llama_context * ctx, const llama_trace_params * params) {
    if (!ctx || !params) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (params->n_layer != (int32_t) ctx->get_model().hparams.n_layer()) {
        return LLAMA_DRUGS_ERR_LAYERS;
    }
    try {
        llama_trace_end(ctx);
        ctx->trace = std::make_shared<llama_trace_record>(*params);
    } catch (const std::bad_alloc &) {
        return LLAMA_DRUGS_ERR_MEMORY;
    }
    return LLAMA_DRUGS_OK;
}

int32_t llama_trace_end(llama_context * ctx) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    llama_trace_clear(ctx); // the last graph's parameters keep the record alive, so that no other record gets its address
    ctx->trace.reset();
    return LLAMA_DRUGS_OK;
}

int32_t llama_trace_clear(llama_context * ctx) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (ctx->trace) {
        ctx->trace->rows = {};
    }
    return LLAMA_DRUGS_OK;
}

int32_t llama_trace_n_rows(const llama_context * ctx) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    return ctx->trace ? (int32_t) ctx->trace->rows.size() : 0;
}

int32_t llama_trace_token(const llama_context * ctx, int32_t row, llama_seq_id * seq_id, llama_pos * pos) {
    if (!ctx || !seq_id || !pos) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (row < 0 || row >= llama_trace_n_rows(ctx)) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    *seq_id = ctx->trace->rows[row].seq_id;
    *pos    = ctx->trace->rows[row].pos;
    return LLAMA_DRUGS_OK;
}

int32_t llama_trace_get(const llama_context * ctx, int32_t row, llama_trace_part part, int32_t layer, llama_trace_values * out) {
    if (!ctx || !out) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (row < 0 || row >= llama_trace_n_rows(ctx)) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    const auto * piece = ctx->trace->rows[row].find(part, layer);
    if (!piece) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    *out = { piece->data.data(), piece->n_column, (int64_t) piece->data.size()/piece->n_column };
    return LLAMA_DRUGS_OK;
}

int32_t llama_trace_lens(llama_context * ctx, const float * hidden, int32_t n_rows, float * logits) {
    if (!ctx || !hidden || !logits) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (n_rows < 1) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    try {
        const auto & model = ctx->get_model();
        for (int32_t first = 0; first < n_rows; first += LENS_ROWS) {
            const size_t  before = first; // rows
            const int32_t status = ctx->trace_lens(hidden + before*model.hparams.n_embd, std::min(LENS_ROWS, n_rows - first),
                logits + before*model.vocab.n_tokens());
            if (status != LLAMA_DRUGS_OK) {
                return status;
            }
        }
        return LLAMA_DRUGS_OK;
    } catch (const std::bad_alloc &) {
        return LLAMA_DRUGS_ERR_MEMORY;
    } catch (const std::exception & error) {
        LLAMA_LOG_ERROR("trace: %s\n", error.what());
    }
    return LLAMA_DRUGS_ERR_GRAPH;
}
