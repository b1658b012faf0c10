// Gives doses to the sequences of a context.

#pragma once

#include "drugs-dosage.h"

#include <string>
#include <vector>

// the sites of a model, for each kind of noise; searched once, so that any thread can check a dosage
struct drugs_sites {
    std::vector<bool> found; // [noise][layer][site]
    int32_t           n_layer = 0;
    std::string       obstacle; // why nothing can be dosed; empty: doses work

    bool has    (int32_t layer, llama_drugs_site site, llama_drugs_noise noise) const;
    bool has_any(               llama_drugs_site site, llama_drugs_noise noise) const;

    // throws std::invalid_argument if a dosed site exists in none of the layers that dose it, or if the device cannot dose
    void check(const drugs_dosage & dosage) const;
};

// Must not be called while llama_decode() runs on this context.
drugs_sites drugs_find_sites(llama_context * ctx);

// Doses a sequence from its next token on, or makes it sober if the dosage is sober. The dosage must have a seed. n_before: number
// of positions before the first new token of the answer, from which its course counts. With dose_inputs "last", the prompt's last
// position is dosed, and none before it.
// Throws std::runtime_error if the context cannot dose; the message says why.
void drugs_dose(llama_context * ctx, llama_seq_id seq_id, const drugs_dosage & dosage, int32_t n_before);

// Doses all sequences of a context, with consecutive seeds from the seed of the dosage on.
void drugs_dose_everything(llama_context * ctx, const drugs_dosage & dosage);

// whether a dosage should be computed repeatably if the context can do so
inline bool drugs_wants_repeatable(const drugs_dosage & dosage) { return dosage.repeatable.value_or(!dosage.sober()); }

// If the dosage does not say whether it is computed repeatably: decides against it if this takes much longer with the
// types of the model's matrices.
void drugs_prefer_repeatable(llama_context * ctx, drugs_dosage & dosage);

// Decides whether a dosage is computed repeatably, and sets this for a sequence, or for all with seq_id = -1.
// Throws std::invalid_argument if the dosage requires it and the context cannot do it.
void drugs_set_repeatable(llama_context * ctx, llama_seq_id seq_id, drugs_dosage & dosage);
