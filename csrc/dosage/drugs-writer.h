// One sequence of a program that writes text: reads the prompt sober, writes under the dose, takes cold showers.

#pragma once

#include "drugs-dosage.h"

#include <vector>

class drugs_writer {
public:
    // Draws a seed if the dosage has none, and logs what repeats the text. Exits with a message if the model lacks a site.
    drugs_writer(llama_context * ctx, llama_seq_id seq_id, drugs_dosage dosage);

    // the next tokens to be decoded were chosen by the model, not given by the user
    void on_written() { written = true; }

    // Before `tokens` are decoded behind `n_past` others, of which the first `n_keep` are never shifted away. Sets the dose
    // that they get, and takes a shower before them if one is due.
    // false: the shower could not be computed
    bool before_decode(const std::vector<llama_token> & tokens, int32_t n_past, int32_t n_keep);

    // Computes again, sober, everything from the first dirty position on. false: it could not be computed
    bool shower();

private:
    void follow(int32_t n_past, int32_t n_keep);
    int32_t start_of_shower();
    bool compute(int32_t start);

    llama_context * const ctx;
    const llama_seq_id    seq_id;
    drugs_dosage          dosage;

    bool written = false;

    int32_t                  n_unknown = 0; // first positions that came from elsewhere
    std::vector<llama_token> known;         // the tokens behind them
    int32_t                  first_dirty = -1; // -1: none
    int32_t                  n_dirty     = 0;
};
