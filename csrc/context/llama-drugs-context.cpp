#include "llama-drugs-doses.h"

#include "llama-batch.h"
#include "llama-context.h"
#include "llama-memory.h"
#include "llama-model.h"
#include "llama-trace-record.h"

// Builds graphs with one token per sequence in which everything is dosed, and lets the hooks record where they are. Nothing is
// allocated or computed, and the graph of the last batch is left as it is, so that it can be reused.
llama_drugs_sites llama_context::find_drugs_sites() {
    const uint32_t n_layer = model.hparams.n_layer();

    llama_drugs_sites found(n_layer, 0);

    llama_memory_context_ptr mctx = memory ? memory->init_full() : nullptr;

    llama_batch_allocr balloc(model.hparams.n_pos_per_embd());
    llama_ubatch ubatch = balloc.ubatch_reserve(1, cparams.n_seq_max);

    std::vector<llm_graph_type> types = { cparams.ctx_type == LLAMA_CONTEXT_TYPE_MTP ? LLM_GRAPH_TYPE_DECODER_MTP : LLM_GRAPH_TYPE_DEFAULT };
    if (llama_model_has_encoder(&model)) {
        types.push_back(LLM_GRAPH_TYPE_ENCODER);
    }
    // restores the state of the last batch, also if building throws
    struct put_back {
        llama_context & ctx;
        const uint32_t  n_saved;

        ~put_back() {
            ctx.gf_res_reserve->reset(); // it refers to objects that are destroyed here
            ctx.n_outputs = n_saved;
        }
    };
    const put_back at_the_end = { *this, n_outputs };
    n_outputs = ubatch.n_tokens;
    for (const auto type : types) {
        auto * res    = gf_res_reserve.get();
        auto   params = graph_params(res, ubatch, mctx.get(), type);

        params.drugs.sites.assign(n_layer, (1 << LLAMA_DRUGS_HOOK_COUNT) - 1);
        params.drugs.found = &found;
        params.trace.reset();
        params.samplers.clear(); // samplers remember the tensors of the last graph that they were built into

        res->reset();
        model.build_graph(params);
    }
    return found;
}

// The allocator reuses its last plan if a graph has the same number of nodes and leaves as the one before, with the same sizes. It
// ignores the order of the leaves, which differs between graphs that dose different sites, so inputs would overlap in memory. It
// also ignores which tensors must be kept until a trace has read them.
void llama_context::reserve_drugs(const llm_graph_params & params) {
    const bool others = !drugs_built.sites.empty() && !params.drugs.sites.empty() && !drugs_built.same_nodes_as(params.drugs);

    drugs_built = params.drugs;
    if (!others && !params.trace) {
        return; // the same graph, or one with more or fewer leaves
    }
    params.res->reset();
    auto * gf = model.build_graph(params);
    llama_trace_mark(params);
    ggml_backend_sched_reset(sched.get());
    ggml_backend_sched_reserve(sched.get(), gf); // if this fails, it will fail again later, and be reported
}
