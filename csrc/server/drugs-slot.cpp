#include "drugs-slot.h"

#include "drugs-dose.h"
#include "drugs-dosage-json.h"
#include "llama-finish-copies.h"
#include "shower-cache.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

void drugs_slot::init(llama_context * ctx, const common_memory * memory, llama_seq_id seq_id, bool can_remove_part,
        const drugs_params & params, drugs_metrics * metrics) {
    this->ctx             = ctx;
    this->memory          = memory;
    this->seq_id          = seq_id;
    this->can_remove_part = can_remove_part;
    this->metrics         = metrics;
    repeats_everything    = params.repeats_everything();
    keeps_all             = params.keeps_all;
}

void drugs_slot::begin(const drugs_dosage & dosage) {
    this->dosage = dosage;
    repeatable   = dosage.repeatable.value_or(repeats_everything);
    llama_drugs_set_repeatable(ctx, seq_id, repeatable);
}

void drugs_slot::end() {
    // for a task that ends before a batch was computed: another prompt may come into the slot's cache
    llama_finish_copies(memory->ctx_tgt);
    if (memory->ctx_dft) {
        llama_finish_copies(memory->ctx_dft);
    }
    llama_drugs_clear(ctx, seq_id);
    dosed  = false;
    wanted = false;
}

void drugs_slot::truncated(size_t n_tokens) {
    ledger.cut((int32_t) n_tokens);
    n_repeatable = std::min(n_repeatable, n_tokens);
    showering    = false;
}

void drugs_slot::restored(const server_tokens & tokens) {
    llama_memory_t  mem   = llama_get_memory(ctx); // nullptr: the model keeps nothing
    const llama_pos n_pos = tokens.pos_next();
    if (mem && (llama_memory_seq_pos_max(mem, seq_id) != n_pos - 1 || (n_pos > 0 && llama_memory_seq_pos_min(mem, seq_id) < 0))) {
        throw std::runtime_error("Invalid positions in slot save file");
    }
    truncated(0);
}

void drugs_slot::shifted(size_t n_keep, size_t n_discard) {
    ledger.shift((int32_t) n_keep, (int32_t) n_discard);
    n_before -= (llama_pos) n_discard;
    dosed = false; // the dose in the context has the old position
    moved_to(n_keep);
}

size_t drugs_slot::n_clean(const server_tokens & tokens) const {
    const int32_t first = ledger.first_dirty();
    return first < 0 ? tokens.size() : std::min((size_t) first, tokens.size());
}

// A saved cache is restored without what was outside the window at the time. A cache that keeps everything is assumed to contain
// it.
bool drugs_slot::misses_cells() const {
    llama_memory_t mem = llama_get_memory(ctx);
    return keeps_all && mem && llama_memory_seq_pos_min(mem, seq_id) > 0;
}

size_t drugs_slot::n_usable(const server_tokens & tokens) const {
    if (misses_cells()) {
        return 0;
    }
    if (!repeatable && n_repeatable > 0) {
        return 0; // sober requests are computed as in llama.cpp
    }
    const size_t n = repeatable ? std::min(n_clean(tokens), n_repeatable) : n_clean(tokens);
    if (dosage.dose_inputs != DRUGS_INPUTS_YES || dosage.sober()) {
        return n;
    }
    // an image is kept or dropped as a whole
    return tokens.has_mtmd ? 0 : std::min(n, (size_t) dosage.n_sink);
}

void drugs_slot::start_prompt(const server_tokens & cached, const server_tokens & prompt) {
    const size_t n_past   = cached.size();
    const size_t n_prompt = prompt.size();
    n_before = prompt.pos_next();
    truncated(n_past);
    if (repeatable) {
        n_repeatable = std::numeric_limits<size_t>::max();
    }
    if (dosage.dose_inputs == DRUGS_INPUTS_NO || dosage.sober()) {
        return;
    }
    drugs_dose(ctx, seq_id, dosage, n_before);
    dosed = true;
    const int32_t last  = dosage.dose_inputs == DRUGS_INPUTS_LAST ? (int32_t) n_prompt - 1 : 0;
    const int32_t first = std::max(last, cached.has_mtmd ? 0 : dosage.n_sink);
    ledger.computed((int32_t) n_past, (int32_t) n_prompt, first < (int32_t) n_prompt, first);
    metrics->n_dosed += ledger.n_dirty();
}

bool drugs_slot::repeat_last(server_tokens & cached, const server_tokens & prompt) {
    if (dosage.dose_inputs != DRUGS_INPUTS_LAST || dosage.sober()) {
        return false;
    }
    const size_t n = cached.size() - 1;
    memory->seq_rm(seq_id, cached.pos_next((int64_t) n), -1);
    cached.keep_first(n);
    start_prompt(cached, prompt);
    return true;
}

void drugs_slot::start_written(const server_tokens & tokens, size_t n) {
    if (dosage.sober()) {
        return;
    }
    if (!dosed) {
        drugs_dose(ctx, seq_id, dosage, n_before);
        dosed = true;
    }
    const int32_t n_sober = std::max(0, dosage.n_sink - tokens.pos_next()); // drafts may reach beyond the sink
    const int32_t start   = (int32_t) tokens.size();
    ledger.computed(start, start + (int32_t) n, true, start + n_sober);
    metrics->n_dosed += std::max(0, (int32_t) n - n_sober);
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

size_t drugs_slot::first_of_shower(const server_tokens & tokens) const {
    const size_t n = n_clean(tokens);
    if (showering) {
        return n;
    }
    return can_remove_part && shower_can_go_back(ctx, seq_id, tokens.pos_next((int64_t) n)) ? n : 0;
}

// the tokens of an image are not kept
bool drugs_slot::can_shower(const server_tokens & tokens) const {
    for (size_t i = first_of_shower(tokens); i < tokens.size(); i++) {
        if (tokens[i] == LLAMA_TOKEN_NULL) {
            return false;
        }
    }
    return true;
}

bool drugs_slot::shower_due(const server_tokens & tokens) const {
    const int32_t interval = wanted ? 1 : dosage.sober_interval;
    return ledger.is_due(interval, (int32_t) tokens.size()) && can_shower(tokens);
}

int32_t drugs_slot::n_until_shower(const server_tokens & tokens) const {
    if (dosage.sober()) {
        return std::numeric_limits<int32_t>::max();
    }
    return ledger.until_due(dosage.sober_interval, (int32_t) tokens.size());
}

void drugs_slot::start_shower(const server_tokens & tokens) {
    const size_t n = first_of_shower(tokens);
    memory->seq_rm(seq_id, tokens.pos_next((int64_t) n), -1);
    llama_drugs_clear(ctx, seq_id);
    dosed     = false;
    showering = true;
    ledger.shower_from((int32_t) n, (int32_t) tokens.size());
}

bool drugs_slot::next_of_shower(const server_tokens & tokens, llama_token & token, llama_pos & pos) {
    const size_t next = n_clean(tokens);
    if (next == tokens.size()) {
        end_shower();
        return false;
    }
    token = tokens[next];
    pos   = tokens.pos_next((int64_t) next);
    ledger.cleaned((int32_t) next, (int32_t) next + 1);
    metrics->n_showered++;
    return true;
}

void drugs_slot::end_shower() {
    showering = false;
    wanted    = false;
    n_showers++;
    metrics->n_showers++;
}

// An incoming request waits for one such batch. If possible, none has a single token, which would be rounded differently.
static int32_t batch_of_shower(size_t n_left, uint32_t n_batch) {
    const size_t most = std::min(64u, n_batch);
    return (int32_t) (n_left == most + 1 && most > 2 ? most - 1 : most);
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
    const int32_t n_batch = batch_of_shower(n_dirty(tokens), llama_n_batch(ctx));
    while (batch.size() < n_batch && next_of_shower(tokens, token, pos)) {
        batch.add(token, pos, seq_id, false);
    }
    if (showering && n_dirty(tokens) == 0) {
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
