#include "llama-drugs-graph.h"

#include "ggml-random-rotate.h"

#include <algorithm>
#include <vector>

void llm_graph_input_drugs::set_input(const llama_ubatch * ubatch) {
    if (!doses->buffer) {
        return; // the model has none of the dosed sites, so its graph does not use the input
    }
    set_doses (*ubatch);
    set_tokens(*ubatch);
}

void llm_graph_input_drugs::set_doses(const llama_ubatch & ubatch) {
    const size_t n_table = doses->ne[0]*doses->ne[1];

    std::vector<float> data(n_table*ubatch.n_seqs_unq);
    for (uint32_t s = 0; s < ubatch.n_seqs_unq; ++s) {
        if (const auto * dose = plan.doses->get(ubatch.seq_id_unq[s])) {
            std::copy(dose->table.begin(), dose->table.end(), data.begin() + s*n_table);
        }
    }
    ggml_backend_tensor_set(doses, data.data(), 0, data.size()*sizeof(float));
}

void llm_graph_input_drugs::set_tokens(const llama_ubatch & ubatch) {
    std::vector<int32_t> data(GGML_RANDOM_ROTATE_TOKEN_SIZE*ubatch.n_tokens);
    for (uint32_t i = 0; i < ubatch.n_tokens; ++i) {
        const auto * dose  = plan.doses->of_token(ubatch, i);
        int32_t    * token = data.data() + GGML_RANDOM_ROTATE_TOKEN_SIZE*i;

        token[GGML_RANDOM_ROTATE_TOKEN_SEED]     = dose ? (int32_t) dose->seed : 0;
        token[GGML_RANDOM_ROTATE_TOKEN_POSITION] = ubatch.pos[i];
        token[GGML_RANDOM_ROTATE_TOKEN_TABLE]    = dose ? ubatch.seq_idx[ubatch.seq_id[i][0]] : -1;
    }
    ggml_backend_tensor_set(tokens, data.data(), 0, data.size()*sizeof(int32_t));
}

// the dosed sites are compared by llm_graph_params::allow_reuse
bool llm_graph_input_drugs::can_reuse(const llm_graph_params & params) {
    return doses->ne[2] == params.ubatch.n_seqs_unq && tokens->ne[1] == params.ubatch.n_tokens;
}

const llm_graph_input_drugs * llm_graph_context::build_inp_drugs(const llama_drugs_plan & plan) const {
    if (plan.sites.empty()) {
        return nullptr;
    }
    auto inp = std::make_unique<llm_graph_input_drugs>(plan);

    inp->doses = ggml_new_tensor_3d(ctx0, GGML_TYPE_F32, LLAMA_DRUGS_SITE_COUNT, plan.sites.size(), ubatch.n_seqs_unq);
    ggml_set_input(inp->doses);
    cb(inp->doses, "inp_drugs_doses", -1);

    inp->tokens = ggml_new_tensor_2d(ctx0, GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens);
    ggml_set_input(inp->tokens);
    cb(inp->tokens, "inp_drugs_tokens", -1);

    return (const llm_graph_input_drugs *) res->add_input(std::move(inp));
}

ggml_tensor * llm_graph_context::build_drugs(ggml_tensor * cur, llama_drugs_site site, int il, int64_t n_head) const {
    if (!inp_drugs || !cur || !inp_drugs->plan.has(site, il)) {
        return cur;
    }

    // H and A come as [d*n_head, n_tokens], and so do the values of PLM; the others as [d, n_head, n_tokens]
    bool flat = site == LLAMA_DRUGS_SITE_H || site == LLAMA_DRUGS_SITE_A;
    if (site == LLAMA_DRUGS_SITE_PV && cur->ne[0] != hparams.n_embd_head_v(il)) {
        n_head = cur->ne[0]/hparams.n_embd_head_v(il);
        flat   = true;
    }

    ggml_tensor * rows = cur;
    if (flat) {
        const int64_t d = cur->ne[0]/n_head;
        rows = ggml_view_3d(ctx0, cur, d, n_head, cur->ne[1], d*cur->nb[0], cur->nb[1], 0);
    }
    if (rows->ne[2] != n_tokens || rows->ne[3] != 1) {
        return cur; // not vectors of this batch's tokens, for example an encoder's keys
    }

    rows = ggml_random_rotate(ctx0, rows, inp_drugs->doses, inp_drugs->tokens, il, site);
    if (flat) {
        rows = ggml_reshape_2d(ctx0, rows, cur->ne[0], n_tokens);
    }
    cb(rows, "dosed", il);

    return rows;
}
