#include "drugs-hidden-context.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

static std::string metadata(const llama_model * model, const std::string & key) {
    std::vector<char> value(64);
    return llama_model_meta_val_str(model, key.c_str(), value.data(), value.size()) > 0 ? value.data() : "";
}

// Models with two sets of rotary frequencies use those for long texts in every context longer than they were first trained for,
// however short the text. The context has to do this if the slots do.
static uint32_t room_for(const llama_model * model, int32_t n_tokens, int32_t n_slot) {
    const std::string scaling = metadata(model, "general.architecture") + ".rope.scaling.";
    const int64_t n_first = std::strtoll(metadata(model, scaling + "original_context_length").c_str(), nullptr, 10);
    const bool    is_long = n_first > 0 && n_slot > n_first && metadata(model, scaling + "type") != "yarn";
    return (uint32_t) (is_long ? std::max<int64_t>(n_tokens, n_first + 1) : n_tokens);
}

static void add_control_vectors(llama_context * ctx, const common_params & params) {
    if (params.control_vectors.empty()) {
        return;
    }
    const auto cvec = common_control_vector_load(params.control_vectors);
    if (cvec.n_embd == -1 || llama_set_adapter_cvec(ctx, cvec.data.data(), cvec.data.size(), cvec.n_embd,
            params.control_vector_layer_start, params.control_vector_layer_end) != 0) {
        throw std::runtime_error("the control vectors of this server cannot be read any more");
    }
}

llama_context_ptr drugs_open_hidden_context(llama_model * model, const common_params & params, int32_t n_tokens, int32_t n_slot) {
    auto cparams = common_context_params_to_llama(params);
    cparams.n_ctx         = room_for(model, n_tokens, n_slot);
    cparams.n_seq_max     = 1;
    cparams.n_rs_seq      = 0;
    cparams.n_batch       = DRUGS_HIDDEN_BATCH;
    cparams.n_ubatch      = std::min(cparams.n_ubatch, DRUGS_HIDDEN_BATCH);
    cparams.n_outputs_max = DRUGS_HIDDEN_BATCH;
    cparams.n_outputs_max_per_seq = DRUGS_HIDDEN_BATCH;
    cparams.embeddings    = false;
    cparams.pooling_type  = LLAMA_POOLING_TYPE_NONE;
    cparams.kv_unified    = false;
    cparams.swa_full      = true; // otherwise, sums would depend on how the text is split

    llama_context_ptr ctx(llama_init_from_model(model, cparams));
    if (!ctx) {
        throw std::runtime_error("there is no memory for a context of " + std::to_string(n_tokens) + " tokens: shorten the text");
    }
    auto adapters = params.lora_adapters;
    common_set_adapter_lora(ctx.get(), adapters);
    add_control_vectors(ctx.get(), params);
    return ctx;
}
