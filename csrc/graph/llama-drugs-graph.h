// What doses add to a compute graph: a few small input tensors, and an op at each dosed site.
//
//   llm_graph_context()    builds the input if a token of the batch is dosed
//   build_qkv()            H; Q under reference noise
//   build_attn()           pK, pV; passes the positions of the cells it reads to build_attn_mha()
//   build_attn_mha()       Q at its start, K before and V after the softmax, A at its end; a trace records weights and outputs here
//   build_ffn()            M, as head 0
//   build_moe_ffn()        M, as head 1 + index of the expert
//
// The ops for K and V round differently from llama.cpp's matrix products. The other tokens of the batch must not change the results of a
// token whose cache is not turned, so a layer in which K or V is dosed for some tokens only computes attention twice, and each token
// takes its own result.
//
// If nothing is dosed, nothing is added: a sober batch builds llama.cpp's own graph. A layer with dosed keys or values does not use
// flash attention, because its kernels do not expose the scores.

#pragma once

#include "llama-drugs-doses.h"
#include "llama-trace-record.h"

#include "llama-graph.h"
#include "llama-kv-cache.h"
#include "llama-kv-cache-dsa.h"
#include "llama-kv-cache-iswa.h"

class llm_graph_input_drugs : public llm_graph_input_i {
public:
    explicit llm_graph_input_drugs(llama_drugs_plan plan) : plan(std::move(plan)) {}

    void set_input(const llama_ubatch * ubatch) override;

    bool can_reuse(const llm_graph_params & params) override;

    // positions of the cells of a cache, or of the batch's own tokens if cache is nullptr: I32
    // [n_kv, n_stream], -1 for an empty cell
    ggml_tensor * cells_of(ggml_context * ctx, const llama_kv_cache * cache, int64_t n_kv, int64_t n_stream);

    // the tokens input for the tokens that are output
    ggml_tensor * tokens_of_outputs(ggml_context * ctx, int64_t n_outputs);

    const llama_drugs_plan plan;

    int  n_paused = 0;     // above zero: nothing is dosed, whatever the plan says
    bool in_mixed = false; // one of the two attentions is being built

    ggml_tensor * doses  = nullptr; // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer, n_seqs_unq]
    ggml_tensor * tokens = nullptr; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
    ggml_tensor * outputs = nullptr; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_outputs], for the tokens that are output
    ggml_tensor * rows   = nullptr; // I32 [n_tokens, n_layer], each token's row among the plain outputs followed by the turned ones

private:
    void set_doses (const llama_ubatch & ubatch);
    void set_tokens(const llama_ubatch & ubatch);

    struct cache_cells {
        const llama_kv_cache * cache;
        ggml_tensor          * positions;
    };

    void set_cells(const llama_ubatch & ubatch, const cache_cells & of);

    std::vector<cache_cells> cells;
};

// Disables the hooks while it exists: cross attention reads another sequence, and no dose applies to its vectors.
class llama_drugs_pause {
public:
    explicit llama_drugs_pause(llm_graph_input_drugs * inp, llama_trace_record * trace = nullptr) : inp(inp), trace(trace) { add(1); }
    ~llama_drugs_pause() { add(-1); }

    llama_drugs_pause(const llama_drugs_pause &) = delete;
    llama_drugs_pause & operator=(const llama_drugs_pause &) = delete;

private:
    void add(int n) {
        if (inp) {
            inp->n_paused += n;
        }
        if (trace) {
            trace->n_paused += n;
        }
    }

    llm_graph_input_drugs * inp;
    llama_trace_record    * trace;
};

// the cache that attention reads, taken from its input; valid only while the graph is built
inline const llama_kv_cache_context * drugs_cache(const llm_graph_input_attn_kv     * inp, bool)     { return inp->mctx; }
inline const llama_kv_cache_context * drugs_cache(const llm_graph_input_attn_k      * inp, bool)     { return inp->mctx; }
inline const llama_kv_cache_context * drugs_cache(const llm_graph_input_attn_k_dsa  * inp, bool)     { return inp->mctx->get_mla(); }
inline const llama_kv_cache_context * drugs_cache(const llm_graph_input_attn_kv_iswa * inp, bool swa) { return swa ? inp->mctx->get_swa() : inp->mctx->get_base(); }
inline const llama_kv_cache_context * drugs_cache(const llm_graph_input_attn_k_iswa  * inp, bool swa) { return swa ? inp->mctx->get_swa() : inp->mctx->get_base(); }

template <typename input>
ggml_tensor * llm_graph_context::build_drugs_cells(const input * inp, int il) const {
    const auto * cache = drugs_cache(inp, hparams.is_swa(il));
    if (trace) {
        trace->note_cells(il, { cache->get_n_kv(), cache->get_kv() });
    }
    if (!drugs_turns_cells(il)) {
        return nullptr;
    }
    return inp_drugs->cells_of(ctx0, cache->get_kv(), cache->get_n_kv(), cparams.kv_unified ? 1 : ubatch.n_seqs_unq);
}

template <>
inline ggml_tensor * llm_graph_context::build_drugs_cells(const llm_graph_input_attn_no_cache *, int il) const {
    if (trace) {
        trace->note_cells(il, { n_tokens, nullptr });
    }
    return drugs_turns_cells(il) ? inp_drugs->cells_of(ctx0, nullptr, n_tokens, 1) : nullptr;
}
