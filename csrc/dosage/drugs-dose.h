// Gives doses to the sequences of a context.

#pragma once

#include "drugs-dosage.h"

#include <string>
#include <vector>

// which sites a model has, under each kind of noise; looked up once, so that any thread can check a dosage against it
struct drugs_sites {
    std::vector<bool> found; // [noise][layer][site]
    int32_t           n_layer = 0;
    std::string       obstacle; // why nothing can be dosed; empty: it can

    bool has    (int32_t layer, llama_drugs_site site, llama_drugs_noise noise) const;
    bool has_any(               llama_drugs_site site, llama_drugs_noise noise) const;

    // throws std::invalid_argument: a dosed site is in none of the layers that dose it, or the device cannot dose
    void check(const drugs_dosage & dosage) const;
};

// must not run at the same time as llama_decode() on this context
drugs_sites drugs_find_sites(llama_context * ctx);

// Dose a sequence from its next token on, or make it sober if the dosage is. The dosage has a seed.
// Throws std::runtime_error: the context cannot dose; the message says why.
void drugs_dose(llama_context * ctx, llama_seq_id seq_id, const drugs_dosage & dosage);

// The same for all sequences of a context, each with a seed of its own from the dosage's on.
void drugs_dose_everything(llama_context * ctx, const drugs_dosage & dosage);
