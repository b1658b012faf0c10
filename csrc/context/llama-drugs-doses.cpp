#include "llama-drugs-doses.h"

#include "llama-batch.h"
#include "llama-cparams.h"

#include <algorithm>

int llama_drugs_hook_of(llama_drugs_site site, llama_drugs_noise noise) {
    const bool moves = site == LLAMA_DRUGS_SITE_Q && noise == LLAMA_DRUGS_NOISE_REFERENCE;
    return moves ? (int) LLAMA_DRUGS_HOOK_Q_BEFORE_ROPE : (int) site;
}

bool llama_drugs_dose::same_as(const llama_drugs_dose & other) const {
    return seed == other.seed && n_sink == other.n_sink && noise == other.noise && table == other.table;
}

const llama_drugs_dose * llama_drugs_doses::get(llama_seq_id seq_id) const {
    if (seq_id < 0 || (size_t) seq_id >= by_seq.size() || by_seq[seq_id].sober()) {
        return nullptr;
    }
    return &by_seq[seq_id];
}

void llama_drugs_doses::set(llama_seq_id seq_id, const llama_drugs_params & params) {
    const size_t n_layer = params.n_layer;

    llama_drugs_dose dose;
    dose.table.assign(params.doses, params.doses + n_layer*LLAMA_DRUGS_SITE_COUNT);
    dose.sites.resize(n_layer);
    for (size_t i = 0; i < dose.table.size(); ++i) {
        if (dose.table[i] > 0.0f) {
            dose.sites[i/LLAMA_DRUGS_SITE_COUNT] |= 1 << llama_drugs_hook_of((llama_drugs_site) (i % LLAMA_DRUGS_SITE_COUNT), params.noise);
        }
    }
    dose.seed   = params.seed;
    dose.n_sink = params.n_sink;
    dose.noise  = params.noise;

    if ((size_t) seq_id >= by_seq.size()) {
        by_seq.resize(seq_id + 1);
    }
    n_dosed += by_seq[seq_id].sober();
    by_seq[seq_id] = std::move(dose);
}

void llama_drugs_doses::clear(llama_seq_id seq_id) {
    if (get(seq_id)) {
        by_seq[seq_id] = {};
        n_dosed--;
    }
}

void llama_drugs_doses::clear() {
    by_seq.clear();
    n_dosed = 0;
}

const llama_drugs_dose * llama_drugs_doses::of_token(const llama_ubatch & ubatch, uint32_t i) const {
    const llama_drugs_dose * dose = nullptr;
    for (int32_t s = 0; s < ubatch.n_seq_id[i]; ++s) {
        const auto * other = get(ubatch.seq_id[i][s]);
        if (!other) {
            return nullptr;
        }
        if (dose && !dose->same_as(*other)) {
            return nullptr; // the token's cache cells are shared: no sequence's dose may leak into another
        }
        dose = other;
    }
    return dose && ubatch.pos[i] >= dose->n_sink ? dose : nullptr;
}

void llama_drugs_doses::set_repeatable(llama_seq_id seq_id, bool value) {
    if (seq_id < 0) {
        repeatable.assign(LLAMA_MAX_SEQ, value);
        return;
    }
    if ((size_t) seq_id >= repeatable.size()) {
        repeatable.resize(seq_id + 1);
    }
    repeatable[seq_id] = value;
}

// one sequence is enough: the others lose nothing by it
bool llama_drugs_doses::is_repeatable(const llama_ubatch & ubatch) const {
    for (uint32_t s = 0; s < ubatch.n_seqs_unq; ++s) {
        const auto seq_id = (size_t) ubatch.seq_id_unq[s];
        if (seq_id < repeatable.size() && repeatable[seq_id]) {
            return true;
        }
    }
    return false;
}

llama_drugs_plan llama_drugs_doses::plan(const llama_ubatch & ubatch) const {
    llama_drugs_plan plan;
    plan.doses = this;
    plan.repeatable = is_repeatable(ubatch);
    if (n_dosed == 0) {
        return plan;
    }

    const llama_drugs_dose * seen = nullptr; // neighbours mostly belong to one sequence
    bool any   = false;
    bool sober = false;
    std::vector<uint8_t> plain; // layers where the cache of some dosed token is not turned
    for (uint32_t i = 0; i < ubatch.n_tokens; ++i) {
        const auto * dose = of_token(ubatch, i);
        sober = sober || !dose;
        if (!dose || dose == seen) {
            continue;
        }
        seen = dose;
        plan.sites.resize(std::max(plan.sites.size(), dose->sites.size()));
        plain     .resize(plan.sites.size());
        for (size_t il = 0; il < dose->sites.size(); ++il) {
            plan.sites[il] |= dose->sites[il];
            plain[il] |= !dose->turns_cache(il);
            any = any || plan.sites[il] != 0;
        }
    }
    if (!any) {
        plan.sites.clear();
    }
    for (size_t il = 0; il < plan.sites.size(); ++il) {
        if ((plan.sites[il] & LLAMA_DRUGS_CACHED_SITES) && (sober || plain[il])) {
            plan.mixed.resize(plan.sites.size());
            plan.mixed[il] = plain[il] ? LLAMA_DRUGS_MIXED_WITH_DOSED : LLAMA_DRUGS_MIXED_WITH_SOBER;
        }
    }
    return plan;
}

uint32_t llama_drugs_max_nodes(uint32_t n_layer) {
    return (3*LLAMA_DRUGS_HOOK_COUNT + 24)*n_layer;
}
