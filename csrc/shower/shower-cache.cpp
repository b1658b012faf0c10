#include "shower-cache.h"

#include <algorithm>

bool shower_can_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens) {
    const llama_pos oldest = llama_memory_seq_pos_min(llama_get_memory(ctx), seq_id);
    const int32_t   n_swa  = llama_model_n_swa(llama_get_model(ctx));
    return oldest <= std::max(0, n_tokens - n_swa);
}

bool shower_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens) {
    return shower_can_go_back(ctx, seq_id, n_tokens) && llama_memory_seq_rm(llama_get_memory(ctx), seq_id, n_tokens, -1);
}

int32_t shower_shorten(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens) {
    if (n_tokens > 0 && shower_go_back(ctx, seq_id, n_tokens)) {
        return n_tokens;
    }
    llama_memory_seq_rm(llama_get_memory(ctx), seq_id, -1, -1);
    return 0;
}
