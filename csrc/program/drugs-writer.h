// One sequence of a program that writes text: evaluates the prompt sober, writes under the dose, and takes cold showers.

#pragma once

#include "drugs-dosage.h"
#include "shower-ledger.h"

#include <vector>

class drugs_writer {
public:
    // Draws a seed if the dosage has none, and logs the doses with which the text can be repeated. Exits with a message if the
    // model does not have a dosed site.
    drugs_writer(llama_context * ctx, llama_seq_id seq_id, drugs_dosage dosage);

    // the next tokens to decode were chosen by the model, not given by the user
    void on_written() { written = true; }

    // Called before `next` is decoded after `n_past` other tokens, of which a context shift never removes the first `n_keep`. Sets
    // their dose, and takes a shower first if one is due. ends: an answer begins after `next`, if the user has given these tokens.
    // Returns false if the shower could not be computed.
    bool before_decode(const std::vector<llama_token> & next, int32_t n_past, int32_t n_keep, bool ends);

    // Computes everything from the first dirty position on again, sober. Returns false if this was not possible.
    bool shower();

private:
    void follow(int32_t n_past, int32_t n_keep);
    bool is_known(int32_t start) const;
    int32_t first_dosed(int32_t n_past, int32_t n_next, bool ends) const;
    bool compute(int32_t start);

    llama_context * const ctx;
    const llama_seq_id    seq_id;
    drugs_dosage          dosage;

    bool    written  = false;
    int32_t n_before = 0; // number of positions before the answer

    std::vector<llama_token> tokens; // in the cache; LLAMA_TOKEN_NULL: unknown, because the position came from a file
    shower_ledger            ledger; // of these tokens
};
