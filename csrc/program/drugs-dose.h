// Gives doses to the sequences of a context.

#pragma once

#include "drugs-dosage.h"

#include <string>
#include <vector>

// the sites of a model, for each kind of noise; found once, so that any thread can check a dosage
struct drugs_sites {
    std::vector<bool> found; // [noise][layer][site]
    int32_t           n_layer = 0;
    std::string       obstacle; // why nothing can be dosed; empty: doses work

    bool has    (int32_t layer, llama_drugs_site site, llama_drugs_noise noise) const;
    bool has_any(               llama_drugs_site site, llama_drugs_noise noise) const;

    // throws std::invalid_argument: a dosed site is in none of the layers that dose it, or the device cannot dose
    void check(const drugs_dosage & dosage) const;
};

// Must not run at the same time as llama_decode() on this context.
drugs_sites drugs_find_sites(llama_context * ctx);

// Doses a sequence from its next token on, or makes it sober if the dosage is. The dosage must have a seed. n_before: positions before
// the first new token of the answer, from which its course counts. With dose_inputs "last" the prompt's last position is dosed, and
// none before it.
// Throws std::runtime_error: the context cannot dose; the message says why.
void drugs_dose(llama_context * ctx, llama_seq_id seq_id, const drugs_dosage & dosage, int32_t n_before);

// Doses all sequences of a context, with consecutive seeds that begin with the seed of the dosage.
void drugs_dose_everything(llama_context * ctx, const drugs_dosage & dosage);

// whether a dosage is to be computed repeatably where the context can
inline bool drugs_wants_repeatable(const drugs_dosage & dosage) { return dosage.repeatable.value_or(!dosage.sober()); }

// Where the dosage does not say whether it is computed repeatably: not, if that takes much longer with the types of the model's matrices.
void drugs_prefer_repeatable(llama_context * ctx, drugs_dosage & dosage);

// Decides whether a dosage is computed repeatably, and sets this for a sequence, or for all with seq_id = -1.
// Throws std::invalid_argument: the dosage says that it is, and the context cannot.
void drugs_set_repeatable(llama_context * ctx, llama_seq_id seq_id, drugs_dosage & dosage);
