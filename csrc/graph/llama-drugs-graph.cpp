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
    for (const auto & of : cells) {
        set_cells(*ubatch, of);
    }
}

void llm_graph_input_drugs::set_cells(const llama_ubatch & ubatch, const cache_cells & of) {
    const int64_t n_kv     = of.positions->ne[0];
    const int64_t n_stream = of.positions->ne[1];

    std::vector<int32_t> data(n_kv*n_stream);
    for (int64_t s = 0; s < n_stream; ++s) {
        for (int64_t i = 0; i < n_kv; ++i) {
            int32_t & position = data[s*n_kv + i];
            if (!of.cache) {
                position = ubatch.pos[i];
                continue;
            }
            const auto & in = of.cache->get_cells(ubatch.seq_id_unq[s]);
            position = in.is_empty(i) ? -1 : in.pos_get(i);
        }
    }
    ggml_backend_tensor_set(of.positions, data.data(), 0, data.size()*sizeof(int32_t));
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
    std::vector<int32_t> of_outputs;
    for (uint32_t i = 0; i < ubatch.n_tokens; ++i) {
        const auto * dose  = plan.doses->of_token(ubatch, i);
        int32_t    * token = data.data() + GGML_RANDOM_ROTATE_TOKEN_SIZE*i;
        if (dose) {
            dose->set_token(token, ubatch.pos[i], ubatch.seq_idx[ubatch.seq_id[i][0]]);
        } else {
            token[GGML_RANDOM_ROTATE_TOKEN_TABLE] = -1;
        }
        if (ubatch.output && ubatch.output[i]) {
            of_outputs.insert(of_outputs.end(), token, token + GGML_RANDOM_ROTATE_TOKEN_SIZE);
        }
    }
    if (tokens->buffer) {
        ggml_backend_tensor_set(tokens, data.data(), 0, data.size()*sizeof(int32_t));
    }
    if (outputs && outputs->buffer) {
        GGML_ASSERT(of_outputs.size() == (size_t) ggml_nelements(outputs));
        ggml_backend_tensor_set(outputs, of_outputs.data(), 0, of_outputs.size()*sizeof(int32_t));
    }
    if (!rows || !rows->buffer) {
        return;
    }
    std::vector<int32_t> which(ggml_nelements(rows));
    for (uint32_t i = 0; i < ubatch.n_tokens; ++i) {
        const auto * dose = plan.doses->of_token(ubatch, i);
        for (int64_t il = 0; il < rows->ne[1]; ++il) {
            which[il*ubatch.n_tokens + i] = dose && dose->turns_cache(il) ? ubatch.n_tokens + i : i;
        }
    }
    ggml_backend_tensor_set(rows, which.data(), 0, which.size()*sizeof(int32_t));
}

// the dosed sites are compared by llm_graph_params::allow_reuse
bool llm_graph_input_drugs::can_reuse(const llm_graph_params & params) {
    return doses->ne[2] == params.ubatch.n_seqs_unq && tokens->ne[1] == params.ubatch.n_tokens &&
        (!outputs || outputs->ne[1] == params.n_outputs);
}

ggml_tensor * llm_graph_input_drugs::tokens_of_outputs(ggml_context * ctx, int64_t n_outputs) {
    if (!outputs) {
        outputs = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, n_outputs);
        ggml_set_input(outputs);
        ggml_set_name(outputs, "inp_drugs_outputs");
    }
    return outputs;
}

ggml_tensor * llm_graph_input_drugs::cells_of(ggml_context * ctx, const llama_kv_cache * cache, int64_t n_kv, int64_t n_stream) {
    for (const auto & of : cells) {
        if (of.cache == cache) {
            return of.positions;
        }
    }
    ggml_tensor * positions = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, n_kv, n_stream);
    ggml_set_input(positions);
    ggml_set_name(positions, "inp_drugs_cells");

    cells.push_back({ cache, positions });
    return positions;
}

llm_graph_input_drugs * llm_graph_context::build_inp_drugs(const llama_drugs_plan & plan) const {
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

    if (!plan.mixed.empty()) {
        inp->rows = ggml_new_tensor_2d(ctx0, GGML_TYPE_I32, n_tokens, plan.mixed.size());
        ggml_set_input(inp->rows);
        cb(inp->rows, "inp_drugs_rows", -1);
    }
    return (llm_graph_input_drugs *) res->add_input(std::move(inp));
}

// whether a hook is dosed in this layer; also reports the hook to the search for the model's sites
static bool hook(const llm_graph_input_drugs * inp, int at, int il) {
    if (!inp || inp->n_paused > 0 || !inp->plan.has(at, il)) {
        return false;
    }
    if (inp->plan.found) {
        (*inp->plan.found)[il] |= 1 << at;
    }
    return true;
}

static ggml_tensor * turn_vectors(const llm_graph_context & graph, ggml_tensor * cur, int at, int il, int64_t n_head, ggml_tensor * heads) {
    // the last layer's MLP gets only the rows that are output
    const int64_t n_rows = at == LLAMA_DRUGS_SITE_M && cur->ne[heads ? 2 : 1] == graph.n_outputs ? graph.n_outputs : graph.n_tokens;

    // [d*n_head, n_rows] or [d, n_head, n_rows]
    const bool flat = cur->ne[1] == n_rows && cur->ne[2] == 1 && !heads;
    if (flat && at == LLAMA_DRUGS_SITE_PV) {
        n_head = cur->ne[0]/graph.hparams.n_embd_head_v(il); // PLM's values
    }

    ggml_tensor * rows = cur;
    if (flat) {
        const int64_t d = cur->ne[0]/n_head;
        rows = ggml_view_3d(graph.ctx0, cur, d, n_head, cur->ne[1], d*cur->nb[0], cur->nb[1], 0);
    }
    if (rows->ne[2] != n_rows || n_rows == 0 || rows->ne[3] != 1 || !hook(graph.inp_drugs, at, il)) {
        return cur; // not dosed, or not vectors of this batch's tokens, such as an encoder's keys
    }

    const bool q_before_rope = at == LLAMA_DRUGS_HOOK_Q_BEFORE_ROPE;
    const int  site = q_before_rope ? (int) LLAMA_DRUGS_SITE_Q : at;

    ggml_tensor * tokens = n_rows == graph.n_tokens ? graph.inp_drugs->tokens : graph.inp_drugs->tokens_of_outputs(graph.ctx0, n_rows);
    rows = ggml_random_rotate(graph.ctx0, rows, graph.inp_drugs->doses, tokens, il, site);
    if (heads) {
        ggml_random_rotate_name_heads(rows, heads);
    }
    if (site == LLAMA_DRUGS_SITE_Q) {
        // a batch may contain queries with both kinds of noise, and each kind is turned in its own place
        ggml_random_rotate_only(rows, q_before_rope ? GGML_RANDOM_ROTATE_REFERENCE : GGML_RANDOM_ROTATE_ISOTROPIC);
    }
    if (flat) {
        rows = ggml_reshape_2d(graph.ctx0, rows, cur->ne[0], n_rows);
    }
    graph.cb(rows, "dosed", il);

    return rows;
}

ggml_tensor * llm_graph_context::build_drugs(ggml_tensor * cur, int at, int il, int64_t n_head, ggml_tensor * heads) const {
    ggml_tensor * turned = inp_drugs && cur ? turn_vectors(*this, cur, at, il, n_head, heads) : cur;
    if (trace && turned && at == LLAMA_DRUGS_SITE_A) {
        trace->note_heads(il, turned, n_head);
    }
    return turned;
}

bool llm_graph_context::drugs_turns_cells(int il) const {
    return inp_drugs && (inp_drugs->plan.has(LLAMA_DRUGS_SITE_K, il) || inp_drugs->plan.has(LLAMA_DRUGS_SITE_V, il));
}

bool llm_graph_context::drugs_mixed(const ggml_tensor * cells, int il) const {
    return cells && inp_drugs->plan.mixture(il) != LLAMA_DRUGS_NOT_MIXED && !inp_drugs->in_mixed;
}

ggml_tensor * llm_graph_context::build_drugs_mixed(
        ggml_tensor * q,
        ggml_tensor * k,
        ggml_tensor * v,
        ggml_tensor * kq_b,
        ggml_tensor * kq_mask,
        ggml_tensor * sinks,
        ggml_tensor * v_mla,
            int64_t   n_kv_max,
              float   kq_scale,
                int   il,
        ggml_tensor * cells) const {
    inp_drugs->in_mixed = true;
    ggml_tensor * plain;
    {
        const llama_drugs_pause pause(inp_drugs->plan.mixture(il) == LLAMA_DRUGS_MIXED_WITH_SOBER ? inp_drugs : nullptr);
        plain = build_attn_mha(q, k, v, kq_b, kq_mask, sinks, v_mla, n_kv_max, kq_scale, il);
    }
    ggml_tensor * turned = build_attn_mha(q, k, v, kq_b, kq_mask, sinks, v_mla, n_kv_max, kq_scale, il, cells);
    inp_drugs->in_mixed = false;

    ggml_tensor * rows = ggml_view_1d(ctx0, inp_drugs->rows, n_tokens, il*inp_drugs->rows->nb[1]);
    return ggml_get_rows(ctx0, ggml_concat(ctx0, plain, turned, 1), rows);
}

ggml_tensor * llm_graph_context::build_drugs_scores(
        ggml_tensor * q,
        ggml_tensor * k,
        ggml_tensor * kq_mask,
        ggml_tensor * cells,
                int   il) const {
    // in a batch with dosed keys, sober keys take this path, too; so a repeatable row with dosed values
    // also takes it when it is alone
    if (!cells || (!hook(inp_drugs, LLAMA_DRUGS_SITE_K, il) && !inp_drugs->plan.repeatable)) {
        return nullptr;
    }
    ggml_tensor * kq = ggml_random_rotate_scores(ctx0, q, k, kq_mask, cells, inp_drugs->doses, inp_drugs->tokens, il, LLAMA_DRUGS_SITE_K);
    cb(kq, "dosed", il);

    return kq;
}

bool llm_graph_context::trace_wants_attention(const ggml_tensor * v, int il) const {
    // without flash attention, quantized values would have to be transposed
    return trace && trace->wants(LLAMA_TRACE_ATTENTION, il) && !ggml_is_quantized(v->type);
}

ggml_tensor * llm_graph_context::build_drugs_values(
        ggml_tensor * kq,
        ggml_tensor * v,
               bool   v_trans,
        ggml_tensor * cells,
                int   il) const {
    if (trace) {
        trace->note_attention(il, kq);
    }
    // in a batch with dosed keys, sober values that are not transposed take this path, too: transposing a cache for each token is
    // slow, and impossible if it is quantized. A repeatable row always takes it, because it does so in a batch with dosed values
    if (!cells || (!hook(inp_drugs, LLAMA_DRUGS_SITE_V, il) && v_trans && !inp_drugs->plan.repeatable)) {
        return nullptr;
    }
    ggml_tensor * kqv = ggml_random_rotate_values(ctx0, kq, v, v_trans, cells, inp_drugs->doses, inp_drugs->tokens, il, LLAMA_DRUGS_SITE_V);
    cb(kqv, "dosed", il);

    return kqv;
}
