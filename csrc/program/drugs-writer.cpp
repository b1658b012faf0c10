#include "drugs-writer.h"

#include "drugs-console.h"
#include "drugs-dose.h"
#include "drugs-dosage-json.h"
#include "shower-cache.h"

#include "common.h"
#include "log.h"

#include <algorithm>
#include <cstdlib>

drugs_writer::drugs_writer(llama_context * ctx, llama_seq_id seq_id, drugs_dosage dosage)
        : ctx(ctx), seq_id(seq_id), dosage(std::move(dosage)) {
    if (this->dosage.seed == LLAMA_DEFAULT_SEED) {
        this->dosage.seed = drugs_fresh_seed();
    }
    try {
        drugs_set_repeatable(ctx, seq_id, this->dosage);
        if (this->dosage.sober()) {
            return;
        }
        drugs_find_sites(ctx).check(this->dosage);
    } catch (const std::exception & error) {
        drugs_print_error(error.what());
        exit(1);
    }
    LOG_INF("doses: %s\n", drugs_dosage_to_json(this->dosage).dump().c_str());
}

// the first of the next positions that is dosed, or their end if none is
int32_t drugs_writer::first_dosed(int32_t n_past, int32_t n_next, bool ends) const {
    const int32_t end = n_past + n_next;
    if (written || dosage.dose_inputs == DRUGS_INPUTS_YES) {
        return std::min(std::max(n_past, dosage.n_sink), end);
    }
    return ends && dosage.dose_inputs == DRUGS_INPUTS_LAST ? std::min(std::max(end - 1, dosage.n_sink), end) : end;
}

bool drugs_writer::before_decode(const std::vector<llama_token> & next, int32_t n_past, int32_t n_keep, bool ends) {
    if (dosage.sober()) {
        return true;
    }
    follow(n_past, n_keep);
    if (written && ledger.is_due(dosage.sober_interval) && !shower()) {
        return false;
    }
    const int32_t end   = n_past + (int32_t) next.size();
    const int32_t first = first_dosed(n_past, (int32_t) next.size(), ends);
    n_before = written ? n_before : end;
    if (first < end) {
        drugs_dose(ctx, seq_id, dosage, n_before);
    } else {
        llama_drugs_clear(ctx, seq_id);
    }
    ledger.computed(n_past, end, first < end, first);
    tokens.insert(tokens.end(), next.begin(), next.end());
    written = false;
    return true;
}

// Positions may have been loaded from a file, or removed by a context shift, which takes them from after the first n_keep.
void drugs_writer::follow(int32_t n_past, int32_t n_keep) {
    const int32_t n_gone = (int32_t) tokens.size() - n_past;
    if (n_gone > 0) {
        const int32_t start = std::min(n_keep, n_past);
        tokens.erase(tokens.begin() + start, tokens.begin() + start + n_gone);
        ledger.shift(start, n_gone);
        n_before -= n_gone;
    }
    tokens.resize(n_past, LLAMA_TOKEN_NULL);
}

bool drugs_writer::is_known(int32_t start) const {
    return std::find(tokens.begin() + start, tokens.end(), LLAMA_TOKEN_NULL) == tokens.end();
}

bool drugs_writer::shower() {
    llama_drugs_clear(ctx, seq_id);
    const int32_t first = ledger.first_dirty();
    if (first < 0) {
        return true;
    }
    const bool goes_back = is_known(first) && shower_go_back(ctx, seq_id, first);
    ledger.cleaned(first, ledger.size());
    if (goes_back) {
        return compute(first);
    }
    if (!is_known(0)) {
        LOG_WRN("no cold shower: the tokens of a restored session are not known here\n");
        return true;
    }
    return compute(shower_shorten(ctx, seq_id, 0));
}

bool drugs_writer::compute(int32_t start) {
    const int32_t n_batch = llama_n_batch(ctx);
    const int32_t end     = (int32_t) tokens.size();
    common_batch batch(ctx);
    for (int32_t from = start; from < end; from += n_batch) {
        batch.clear();
        for (int32_t i = from; i < std::min(end, from + n_batch); i++) {
            batch.add(tokens[i], i, seq_id, i + 1 == end);
        }
        if (llama_process(ctx, LLAMA_PROCESS_TYPE_DECODE, batch.get()) != 0) {
            LOG_ERR("error: the cold shower could not be computed\n");
            return false;
        }
    }
    return true;
}
