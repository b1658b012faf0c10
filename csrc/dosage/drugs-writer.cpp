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
    forget_shifted(n_past, n_keep);
    const bool dosed = written || dosage.inputs;
    written = false;
    if (n_dirty >= dosage.sober_interval && !shower(n_past)) {
        return false;
    }
    if (dosed) {
        drugs_dose(ctx, seq_id, dosage);
        n_dirty += (int32_t) tokens.size();
    } else {
        llama_drugs_clear(ctx, seq_id);
    }
    if (n_dirty > 0) {
        tail.insert(tail.end(), tokens.begin(), tokens.end());
    }
    return true;
}

// a context shift drops positions behind the first n_keep ones, and with them the front of the tail
void drugs_writer::forget_shifted(int32_t n_past, int32_t n_keep) {
    const size_t most = (size_t) std::max(0, n_past - n_keep);
    if (tail.size() > most) {
        tail.erase(tail.begin(), tail.end() - most);
        n_dirty = std::min(n_dirty, (int32_t) most);
    }
}

bool drugs_writer::shower(int32_t n_past) {
    llama_drugs_clear(ctx, seq_id);
    int32_t start = n_past - (int32_t) tail.size();
    llama_memory_seq_rm(llama_get_memory(ctx), seq_id, start, -1);
    const int32_t n_batch = llama_n_batch(ctx);
    common_batch batch(ctx);
    for (size_t from = 0; from < tail.size(); from += n_batch) {
        const size_t to = std::min(tail.size(), from + n_batch);
        batch.clear();
        for (size_t i = from; i < to; i++) {
            batch.add(tail[i], start++, seq_id, i + 1 == tail.size());
        }
        if (llama_process(ctx, LLAMA_PROCESS_TYPE_DECODE, batch.get()) != 0) {
            LOG_ERR("error: the cold shower could not be computed\n");
            return false;
        }
    }
    tail.clear();
    n_dirty = 0;
    return true;
}
