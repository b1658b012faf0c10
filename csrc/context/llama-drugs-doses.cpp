#include "llama-drugs-doses.h"

#include "ggml-random-rotate.h"
#include "llama-batch.h"
#include "llama-cparams.h"

#include <algorithm>
#include <cstring>

int llama_drugs_hook_of(llama_drugs_site site, llama_drugs_noise noise) {
    const bool moves = site == LLAMA_DRUGS_SITE_Q && noise == LLAMA_DRUGS_NOISE_REFERENCE;
    return moves ? (int) LLAMA_DRUGS_HOOK_Q_BEFORE_ROPE : (int) site;
}

static bool same_course(const llama_drugs_dose & a, const llama_drugs_dose & b) {
    const auto same = [](const auto & p, const auto & q) { return p.token == q.token && p.ratio == q.ratio; };
    return (a.course.empty() || a.course_start == b.course_start) &&
        std::equal(a.course.begin(), a.course.end(), b.course.begin(), b.course.end(), same);
}

bool llama_drugs_dose::same_as(const llama_drugs_dose & other) const {
    return seed == other.seed && n_sink == other.n_sink && start == other.start && noise == other.noise && hold == other.hold &&
        shared_layers == other.shared_layers && angle == other.angle && turn == other.turn && apart == other.apart &&
        same_course(*this, other) && table == other.table;
}

float llama_drugs_dose::factor(int32_t position) const {
    if (course.empty()) {
        return 1.0f;
    }
    const int64_t token = (int64_t) position - course_start;
    const auto high = std::upper_bound(course.begin(), course.end(), token, [](int64_t at, const auto & p) { return at < p.token; });
    if (high == course.begin() || high == course.end()) {
        return high == course.begin() ? course.front().ratio : course.back().ratio;
    }
    const auto   low = high - 1;
    const double way = double(token - low->token)/double((int64_t) high->token - low->token);
    return (float) (low->ratio + way*((double) high->ratio - low->ratio));
}

void llama_drugs_dose::set_token(int32_t * token, int32_t position, int32_t table_index) const {
    const float now = factor(position);

    ggml_random_rotate_set_token(token, seed, position, table_index, noise, n_sink);
    memcpy(token + GGML_RANDOM_ROTATE_TOKEN_FACTOR, &now, sizeof(now));
    token[GGML_RANDOM_ROTATE_TOKEN_ANGLE]  = angle;
    token[GGML_RANDOM_ROTATE_TOKEN_TURN]   = turn;
    token[GGML_RANDOM_ROTATE_TOKEN_APART]  = apart;
    token[GGML_RANDOM_ROTATE_TOKEN_LAYERS] = shared_layers ? 0 : -1;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; ++site) {
        token[GGML_RANDOM_ROTATE_TOKEN_TIME + site] = time(site, position);
    }
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
    dose.start  = params.start;
    dose.noise  = params.noise;
    dose.hold.fill(1);
    if (params.hold) {
        std::copy_n(params.hold, dose.hold.size(), dose.hold.begin());
    }
    dose.shared_layers = params.shared_layers;
    dose.angle = params.angle;
    dose.turn  = params.turn;
    dose.apart = params.apart;
    if (params.course) {
        dose.course.assign(params.course, params.course + params.n_course);
        dose.course_start = params.course_start;
    }

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
    return dose && dose->reaches(ubatch.pos[i]) ? dose : nullptr;
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

// one repeatable sequence is enough: the others lose nothing
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

    const llama_drugs_dose * seen = nullptr; // neighbouring tokens mostly belong to the same sequence
    bool any   = false;
    bool sober = false;
    std::vector<uint8_t> plain; // layers in which at least one dosed token does not turn the cache
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
