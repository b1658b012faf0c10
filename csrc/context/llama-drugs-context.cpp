#include "llama-drugs-doses.h"

#include "llama-batch.h"
#include "llama-context.h"
#include "llama-memory.h"
#include "llama-model.h"
#include "llama-trace-record.h"

// Builds graphs in which everything is dosed, of one token a sequence, and reads from the hooks where they were. Nothing is allocated or
// computed, and the graph of the last batch stays as it is, so that it can be used again.
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
    // puts back what belongs to the last batch, also where building throws
    struct put_back {
        llama_context & ctx;
        const int32_t   n_saved;

        ~put_back() {
            ctx.gf_res_reserve->reset(); // it points at what ends here
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
        params.samplers.clear(); // they note the tensors of the last graph that they were built into

        res->reset();
        model.build_graph(params);
    }
    return found;
}

// The allocator uses its last plan again if a graph has as many nodes and leaves as the one before, each as large. It does not
// look at the order of the leaves, which differs between graphs that dose different sites: inputs would lie on each other. Nor does
// it look at what is kept until a trace has read it.
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
    ggml_backend_sched_reserve(sched.get(), gf); // what fails here will fail again, and be reported
}
