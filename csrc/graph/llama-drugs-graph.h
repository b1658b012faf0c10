// What doses put into a compute graph: two small input tensors, and a rotation at each dosed site.
//
//   llm_graph_context()    builds the input if a token of the batch is dosed
//   build_qkv()            H
//   build_attn()           pK, pV
//   build_attn_mha()       Q at its start, A at its end
//   src/models/*.cpp       the same sites where a model builds its own projections or attention
//
// Nothing is added where nothing is dosed: a sober batch builds llama.cpp's own graph.

#pragma once

#include "llama-drugs-doses.h"

#include "llama-graph.h"

class llm_graph_input_drugs : public llm_graph_input_i {
public:
    explicit llm_graph_input_drugs(llama_drugs_plan plan) : plan(std::move(plan)) {}

    void set_input(const llama_ubatch * ubatch) override;

    bool can_reuse(const llm_graph_params & params) override;

    const llama_drugs_plan plan;

    ggml_tensor * doses  = nullptr; // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer, n_seqs_unq]
    ggml_tensor * tokens = nullptr; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]

private:
    void set_doses (const llama_ubatch & ubatch);
    void set_tokens(const llama_ubatch & ubatch);
};
