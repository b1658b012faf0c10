#include "llama-layer-outputs.h"
#include "llama-trace-record.h"

#include "llama-batch.h"
#include "llama-context.h"
#include "llama-memory.h"
#include "llama-model.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <vector>

// The part of a graph after a tensor, which becomes an input.
class graph_after {
public:
    graph_after(ggml_tensor * first, ggml_tensor * last, size_t max_nodes) : first(first), last(last) {
        first->op = GGML_OP_NONE;
        std::fill(std::begin(first->src), std::end(first->src), nullptr);
        ggml_set_input(first);
        ggml_set_output(last);

        ctx.reset(ggml_init({ ggml_graph_overhead_custom(max_nodes, false), nullptr, /*.no_alloc =*/ true }));
        gf = ggml_new_graph_custom(ctx.get(), max_nodes, false);
        ggml_build_forward_expand(gf, last);
    }

    // Whether its only other inputs are weights and the indices of the output rows, which are known here.
    bool takes_only_rows() {
        for (int i = 0; i < ggml_graph_n_nodes(gf); ++i) {
            const ggml_tensor * node = ggml_graph_node(gf, i);
            for (auto * src : node->src) {
                if (!src || src == first || src->op != GGML_OP_NONE || !(src->flags & GGML_TENSOR_FLAG_INPUT)) {
                    continue;
                }
                const bool of_weights = node->src[0]->op == GGML_OP_NONE && node->src[0] != first; // a token embedding
                if (node->op != GGML_OP_GET_ROWS || of_weights || ggml_nelements(src) != ggml_nrows(first)) {
                    return false;
                }
                rows.push_back(src);
            }
        }
        return true;
    }

    void set(const float * vectors) const {
        ggml_backend_tensor_set(first, vectors, 0, ggml_nbytes(first));
        for (auto * ids : rows) {
            std::vector<int32_t> all(ggml_nelements(ids));
            std::iota(all.begin(), all.end(), 0);
            ggml_backend_tensor_set(ids, all.data(), 0, ggml_nbytes(ids));
        }
    }

    ggml_tensor * const first;
    ggml_tensor * const last;
    ggml_cgraph * gf;

private:
    ggml_context_ptr           ctx; // holds only the graph; the tensors belong to another context
    std::vector<ggml_tensor *> rows;
};

// Builds the model's own graph, but computes only the part after the last layer.
int32_t llama_context::trace_lens(const float * hidden, int32_t n_rows, float * logits) {
    llama_memory_context_ptr mctx = memory ? memory->init_full() : nullptr;

    // at least as many tokens as rows: a graph is built for tokens of all sequences that have their own cache
    const uint32_t n_seqs       = cparams.kv_unified ? 1 : cparams.n_seq_max;
    const uint32_t n_seq_tokens = (n_rows + n_seqs - 1)/n_seqs;
    const int64_t  n_tokens     = (int64_t) n_seq_tokens*n_seqs;

    llama_batch_allocr balloc(model.hparams.n_pos_per_embd());
    llama_ubatch ubatch = balloc.ubatch_reserve(n_seq_tokens, n_seqs);

    // restores the state of the last batch, also if something throws
    struct put_back {
        llama_context & ctx;
        const uint32_t  n_saved;

        ~put_back() {
            ggml_backend_sched_reset(ctx.sched.get());
            ctx.gf_res_reserve->reset(); // it refers to objects that are destroyed here
            ctx.gf_res_prev_active = nullptr; // its memory was reused
            ctx.n_outputs = n_saved;
        }
    };
    synchronize();
    const put_back at_the_end = { *this, n_outputs };
    n_outputs = n_tokens;

    auto * res    = gf_res_reserve.get();
    auto   params = graph_params(res, ubatch, mctx.get(), LLM_GRAPH_TYPE_DEFAULT);

    params.drugs.sites.clear();
    params.trace.reset();
    params.samplers.clear(); // samplers remember the tensors of the last graph that they were built into

    res->reset();
    auto * whole = model.build_graph(params);

    const llama_layer_shape shape = { (int32_t) model.hparams.n_layer(), model.hparams.n_embd, n_tokens, n_tokens, 1, res->get_embd() };
    ggml_tensor * last_layer = find_layer_outputs(whole, shape).back();
    if (!last_layer || !res->get_logits()) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    graph_after after(last_layer, res->get_logits(), res->get_max_nodes());
    if (!after.takes_only_rows() || after.last->ne[0] != (int64_t) model.vocab.n_tokens() || ggml_nrows(after.last) != n_tokens) {
        return LLAMA_DRUGS_ERR_TRACE;
    }
    llama_drugs_mark_repeatable(after.gf, params.drugs);

    ggml_backend_sched_reset(sched.get());
    if (!ggml_backend_sched_alloc_graph(sched.get(), after.gf)) {
        return LLAMA_DRUGS_ERR_MEMORY;
    }
    std::vector<float> vectors(ggml_nelements(last_layer)); // vectors beyond n_rows are zero
    std::copy_n(hidden, n_rows*last_layer->ne[0], vectors.begin());
    after.set(vectors.data());
    if (graph_compute(after.gf, n_tokens > 1) != GGML_STATUS_SUCCESS) {
        return LLAMA_DRUGS_ERR_GRAPH;
    }
    ggml_backend_sched_synchronize(sched.get());
    ggml_backend_tensor_get(after.last, logits, 0, n_rows*after.last->nb[1]);
    return LLAMA_DRUGS_OK;
}
