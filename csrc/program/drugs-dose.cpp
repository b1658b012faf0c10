#include "drugs-dose.h"

#include <algorithm>
#include <stdexcept>

//
// sites
//

bool drugs_sites::has(int32_t layer, llama_drugs_site site, llama_drugs_noise noise) const {
    return found[((size_t) noise * n_layer + layer) * LLAMA_DRUGS_SITE_COUNT + site];
}

bool drugs_sites::has_any(llama_drugs_site site, llama_drugs_noise noise) const {
    for (int32_t layer = 0; layer < n_layer; layer++) {
        if (has(layer, site, noise)) {
            return true;
        }
    }
    return false;
}

static void add_name(std::string & names, const std::string & name) {
    names += (names.empty() ? "" : ", ") + name;
}

void drugs_sites::check(const drugs_dosage & dosage) const {
    if (dosage.sober()) {
        return;
    }
    if (!obstacle.empty()) {
        throw std::invalid_argument(obstacle);
    }
    const std::vector<float> table = dosage.table(n_layer);
    std::string there;
    std::string missing;
    for (int i = 0; i < LLAMA_DRUGS_SITE_COUNT; i++) {
        const auto site = (llama_drugs_site) i;
        bool dosed = false;
        bool found = false;
        for (int32_t layer = 0; layer < n_layer; layer++) {
            if (table[(size_t) layer * LLAMA_DRUGS_SITE_COUNT + site] > 0) {
                dosed = true;
                found |= has(layer, site, dosage.kinds.noise);
            }
        }
        if (has_any(site, dosage.kinds.noise)) {
            add_name(there, llama_drugs_site_name(site));
        }
        if (dosed && !found) {
            add_name(missing, llama_drugs_site_name(site));
        }
    }
    if (!missing.empty()) {
        throw std::invalid_argument("this model has no site " + missing + " where it is dosed: it has " +
                (there.empty() ? "none" : there));
    }
}

drugs_sites drugs_find_sites(llama_context * ctx) {
    drugs_sites sites;
    sites.n_layer = llama_drugs_n_layer(ctx);
    for (const auto noise : { LLAMA_DRUGS_NOISE_ISOTROPIC, LLAMA_DRUGS_NOISE_REFERENCE }) {
        for (int32_t layer = 0; layer < sites.n_layer; layer++) {
            for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
                sites.found.push_back(llama_drugs_has_site(ctx, layer, (llama_drugs_site) site, noise) == 1);
            }
        }
    }
    const std::vector<float> nothing((size_t) sites.n_layer * LLAMA_DRUGS_SITE_COUNT, 0.0f);
    llama_drugs_params params = {};
    params.doses   = nothing.data();
    params.n_layer = sites.n_layer;
    const int32_t status = llama_drugs_set(ctx, 0, &params);
    if (status < 0) {
        sites.obstacle = std::string("cannot dose: ") + llama_drugs_status_text(status);
    }
    llama_drugs_clear(ctx, 0);
    return sites;
}

//
// doses
//

static void check_status(int32_t status) {
    if (status < 0) {
        throw std::runtime_error(std::string("cannot dose: ") + llama_drugs_status_text(status));
    }
}

void drugs_dose(llama_context * ctx, llama_seq_id seq_id, const drugs_dosage & dosage, int32_t n_before) {
    if (dosage.sober()) {
        check_status(llama_drugs_clear(ctx, seq_id));
        return;
    }
    const int32_t n_layer = llama_drugs_n_layer(ctx);
    const std::vector<float> table = dosage.table(n_layer);
    llama_drugs_params params = {};
    params.doses   = table.data();
    params.n_layer = n_layer;
    params.seed    = dosage.seed;
    params.n_sink  = dosage.n_sink;
    params.start   = dosage.dose_inputs == DRUGS_INPUTS_LAST ? std::max(0, n_before - 1) : 0;
    params.noise   = dosage.kinds.noise;
    params.angle   = dosage.kinds.angle;
    params.turn    = dosage.kinds.turn;
    params.apart   = dosage.kinds.apart;
    params.hold    = dosage.hold.data();
    params.shared_layers = dosage.shared_layers;
    const auto course = dosage.course.points();
    if (!course.empty()) {
        params.course       = course.data();
        params.n_course     = (int32_t) course.size();
        params.course_start = n_before;
    }
    check_status(llama_drugs_set(ctx, seq_id, &params));
}

void drugs_dose_everything(llama_context * ctx, const drugs_dosage & dosage) {
    drugs_find_sites(ctx).check(dosage);
    for (uint32_t i = 0; i < llama_n_seq_max(ctx); i++) {
        drugs_dosage own = dosage;
        own.seed = drugs_later_seed(dosage.seed, i);
        own.dose_inputs = DRUGS_INPUTS_YES; // programs that measure pass everything as input
        drugs_dose(ctx, (llama_seq_id) i, own, dosage.n_sink);
    }
}

//
// repeatable
//

void drugs_prefer_repeatable(llama_context * ctx, drugs_dosage & dosage) {
    if (!dosage.repeatable && llama_drugs_can_repeat(ctx) == 1 && llama_drugs_repeats_cheaply(ctx) == 0) {
        dosage.repeatable = false;
    }
}

void drugs_set_repeatable(llama_context * ctx, llama_seq_id seq_id, drugs_dosage & dosage) {
    drugs_prefer_repeatable(ctx, dosage);
    const bool wanted = drugs_wants_repeatable(dosage);
    const int32_t status = llama_drugs_set_repeatable(ctx, seq_id, wanted);
    if (status < 0 && dosage.repeatable.value_or(false)) {
        throw std::invalid_argument(std::string("--repeatable: ") + llama_drugs_status_text(status) + ": --device none leaves the others out");
    }
    dosage.repeatable = wanted && status >= 0;
}
