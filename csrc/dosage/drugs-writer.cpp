#include "drugs-writer.h"

#include "drugs-dose.h"
#include "drugs-dosage-json.h"

#include "common.h"
#include "log.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

drugs_writer::drugs_writer(llama_context * ctx, llama_seq_id seq_id, drugs_dosage dosage)
        : ctx(ctx), seq_id(seq_id), dosage(std::move(dosage)) {
    if (this->dosage.sober()) {
        return;
    }
    if (this->dosage.seed == LLAMA_DEFAULT_SEED) {
        this->dosage.seed = drugs_fresh_seed();
    }
    try {
        drugs_find_sites(ctx).check(this->dosage);
    } catch (const std::exception & error) {
        fprintf(stderr, "error: %s\n", error.what());
        exit(1);
    }
    LOG_INF("doses: %s\n", drugs_dosage_to_json(this->dosage).dump().c_str());
}

bool drugs_writer::before_decode(const std::vector<llama_token> & tokens, int32_t n_past, int32_t n_keep) {
    if (dosage.sober()) {
        return true;
    }
    follow(n_past, n_keep);
    if (written && n_dirty >= dosage.sober_interval && !shower()) {
        return false;
    }
    const int32_t end = n_past + (int32_t) tokens.size();
    if (written || dosage.inputs) {
        drugs_dose(ctx, seq_id, dosage);
        const int32_t start = std::max(n_past, dosage.n_sink);
        if (start < end) {
            first_dirty = first_dirty < 0 ? start : first_dirty;
            n_dirty += end - start;
        }
    } else {
        llama_drugs_clear(ctx, seq_id);
    }
    known.insert(known.end(), tokens.begin(), tokens.end());
    written = false;
    return true;
}

// Positions may have come from a file, or have gone in a context shift, which takes them from behind the first n_keep.
void drugs_writer::follow(int32_t n_past, int32_t n_keep) {
    const int32_t n_gone = n_unknown + (int32_t) known.size() - n_past;
    if (n_gone < 0) {
        n_unknown = n_past;
        known.clear();
        return;
    }
    if (n_gone == 0) {
        return;
    }
    const int32_t first = std::max(0, n_keep - n_unknown);
    if (first + n_gone > (int32_t) known.size()) {
        n_unknown = n_past;
        known.clear();
    } else {
        known.erase(known.begin() + first, known.begin() + first + n_gone);
    }
    if (first_dirty > n_keep) {
        first_dirty = std::max(n_keep, first_dirty - n_gone);
    }
    n_dirty = std::min(n_dirty, n_past - std::max(0, first_dirty));
}

bool drugs_writer::shower() {
    llama_drugs_clear(ctx, seq_id);
    const int32_t start = first_dirty < 0 ? -1 : start_of_shower();
    n_dirty     = 0;
    first_dirty = -1;
    return start < 0 || compute(start);
}

// Where it begins, and the cache ends now; -1: it cannot be taken. A recurrent state cannot go back to the first dirty
// position, and a sliding window may have lost what lies in front of it: both begin anew.
int32_t drugs_writer::start_of_shower() {
    llama_memory_t memory = llama_get_memory(ctx);
    const llama_pos oldest = llama_memory_seq_pos_min(memory, seq_id);
    const bool lost = oldest > 0 && oldest > first_dirty - llama_model_n_swa(llama_get_model(ctx));
    if (!lost && first_dirty >= n_unknown && llama_memory_seq_rm(memory, seq_id, first_dirty, -1)) {
        return first_dirty;
    }
    if (n_unknown > 0) {
        LOG_WRN("no cold shower: it would have to compute tokens that are not known here\n");
        return -1;
    }
    llama_memory_seq_rm(memory, seq_id, -1, -1);
    return 0;
}

bool drugs_writer::compute(int32_t start) {
    const int32_t n_batch = llama_n_batch(ctx);
    const int32_t end     = n_unknown + (int32_t) known.size();
    common_batch batch(ctx);
    for (int32_t from = start; from < end; from += n_batch) {
        batch.clear();
        for (int32_t i = from; i < std::min(end, from + n_batch); i++) {
            batch.add(known[i - n_unknown], i, seq_id, i + 1 == end);
        }
        if (llama_process(ctx, LLAMA_PROCESS_TYPE_DECODE, batch.get()) != 0) {
            LOG_ERR("error: the cold shower could not be computed\n");
            return false;
        }
    }
    return true;
}
