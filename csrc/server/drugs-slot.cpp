#include "drugs-slot.h"

#include "drugs-dose.h"
#include "drugs-dosage-json.h"

#include <algorithm>

void drugs_slot::init(llama_context * ctx, const common_memory * memory, llama_seq_id seq_id, bool can_remove_part,
        int32_t n_swa, drugs_metrics * metrics) {
    this->ctx             = ctx;
    this->memory          = memory;
    this->seq_id          = seq_id;
    this->can_remove_part = can_remove_part;
    this->n_swa           = n_swa;
    this->metrics         = metrics;
}

void drugs_slot::begin(const drugs_dosage & dosage) {
    this->dosage = dosage;
}

void drugs_slot::end() {
    llama_drugs_clear(ctx, seq_id);
    dosed  = false;
    wanted = false;
}

void drugs_slot::truncated(size_t n_tokens) {
    if (first_dirty >= n_tokens) {
        first_dirty = NONE;
    }
    showering = false;
}

void drugs_slot::shifted(size_t n_keep, size_t n_discard) {
    if (first_dirty != NONE && first_dirty > n_keep) {
        first_dirty = std::max(n_keep, first_dirty - std::min(first_dirty, n_discard));
    }
}

size_t drugs_slot::n_usable(const server_tokens & tokens) const {
    const size_t n = n_clean(tokens);
    if (!dosage.inputs || dosage.sober()) {
        return n;
    }
    // an image is kept or dropped as a whole
    return tokens.has_mtmd ? 0 : std::min(n, (size_t) dosage.n_sink);
}

void drugs_slot::start_prompt(const server_tokens & cached, size_t n_prompt) {
    const size_t n_past = cached.size();
    truncated(n_past);
    if (!dosage.inputs || dosage.sober()) {
        return;
    }
    drugs_dose(ctx, seq_id, dosage);
    dosed = true;
    first_dirty = cached.has_mtmd ? n_past : std::max(n_past, (size_t) dosage.n_sink);
    metrics->n_dosed += n_prompt - std::min(n_prompt, first_dirty);
}

void drugs_slot::start_written(const server_tokens & tokens, size_t n) {
    if (dosage.sober()) {
        return;
    }
    if (!dosed) {
        drugs_dose(ctx, seq_id, dosage);
        dosed = true;
    }
    const size_t n_sober = (size_t) std::max(0, dosage.n_sink - tokens.pos_next()); // drafts may reach across the sink
    if (n > n_sober) {
        first_dirty = std::min(first_dirty, tokens.size() + n_sober);
        metrics->n_dosed += n - n_sober;
    }
}

bool drugs_slot::drop(server_tokens & tokens) {
    const size_t n = n_clean(tokens);
    if (n == tokens.size()) {
        truncated(n);
        return true;
    }
    if (!can_remove_part && n > 0) {
        return false;
    }
    metrics->n_dropped += tokens.size() - n;
    memory->seq_rm(seq_id, tokens.pos_next((int64_t) n), -1);
    tokens.keep_first(n);
    truncated(n);
    return true;
}

//
// showers
//

// an attention window that does not reach back to the first dirty position needs everything again
size_t drugs_slot::first_of_shower(const server_tokens & tokens) const {
    const size_t n = n_clean(tokens);
    if (showering) {
        return n;
    }
    if (!can_remove_part) {
        return 0;
    }
    const llama_pos oldest = llama_memory_seq_pos_min(llama_get_memory(ctx), seq_id);
    return oldest > 0 && oldest > tokens.pos_next((int64_t) n) - n_swa ? 0 : n;
}

// what came from an image is not kept
bool drugs_slot::can_shower(const server_tokens & tokens) const {
    for (size_t i = first_of_shower(tokens); i < tokens.size(); i++) {
        if (tokens[i] == LLAMA_TOKEN_NULL) {
            return false;
        }
    }
    return true;
}

bool drugs_slot::shower_due(const server_tokens & tokens) const {
    const size_t n = n_dirty(tokens);
    return n > 0 && (wanted || n >= (size_t) dosage.sober_interval) && can_shower(tokens);
}

int32_t drugs_slot::n_until_shower(const server_tokens & tokens) const {
    if (dosage.sober()) {
        return std::numeric_limits<int32_t>::max();
    }
    return dosage.sober_interval - (int32_t) std::min(n_dirty(tokens), (size_t) dosage.sober_interval);
}

void drugs_slot::start_shower(const server_tokens & tokens) {
    const size_t n = first_of_shower(tokens);
    memory->seq_rm(seq_id, tokens.pos_next((int64_t) n), -1);
    llama_drugs_clear(ctx, seq_id);
    dosed       = false;
    showering   = true;
    first_dirty = n;
}

bool drugs_slot::next_of_shower(const server_tokens & tokens, llama_token & token, llama_pos & pos) {
    if (first_dirty >= tokens.size()) {
        end_shower();
        return false;
    }
    token = tokens[first_dirty];
    pos   = tokens.pos_next((int64_t) first_dirty);
    first_dirty++;
    metrics->n_showered++;
    return true;
}

void drugs_slot::end_shower() {
    first_dirty = NONE;
    showering   = false;
    wanted      = false;
    n_showers++;
    metrics->n_showers++;
}

// A request that comes now waits for one such batch. None is left that has one token, which would be rounded otherwise.
static int32_t batch_of_shower(size_t n_left) {
    const size_t most = 64;
    return (int32_t) (n_left == most + 1 ? most - 1 : most);
}

bool drugs_slot::fill_idle_shower(server_tokens & tokens, common_batch & batch) {
    if (memory->ctx_dft || (!showering && !can_shower(tokens))) { // a draft model's cache is filled elsewhere
        return drop(tokens);
    }
    if (!showering) {
        start_shower(tokens);
    }
    llama_token token;
    llama_pos   pos;
    const int32_t n_batch = batch_of_shower(tokens.size() - first_dirty);
    while (batch.size() < n_batch && next_of_shower(tokens, token, pos)) {
        batch.add(token, pos, seq_id, false);
    }
    if (showering && first_dirty == tokens.size()) {
        end_shower();
    }
    return true;
}

json drugs_slot::to_json(const server_tokens & tokens) const {
    return json {
        { "dosage",    drugs_dosage_to_json(dosage) },
        { "n_dirty",   n_dirty(tokens)              },
        { "n_showers", n_showers                    },
    };
}
