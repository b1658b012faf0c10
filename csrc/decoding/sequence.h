// A sequence that is being continued.

#pragma once

#include "sequence-text.h"
#include "shower-ledger.h"

#include "llama.h"

#include <cstdint>
#include <memory>
#include <vector>

enum class sequence_end {
    none,   // it continues
    eos,    // the model ended the text
    stop,   // a stop string was found
    length, // it has reached its maximum number of tokens
    failed, // its sampler has thrown
};

struct sequence {
    llama_seq_id    seq_id;
    llama_seq_id    twin;    // sequence that gets the same tokens, sober; -1: none
    int32_t         n_past;  // tokens in the cache
    int32_t         n_max;   // maximum number of tokens to choose
    int32_t         n_extra; // additional tokens to complete a character that n_max would cut
    llama_sampler * sampler; // NULL: take the most likely token
    sequence_text   text;

    std::vector<llama_token> stop_tokens; // end the text, like the vocabulary's own end tokens
    std::vector<llama_token> tokens;      // chosen tokens; the last one goes into the cache at the next step, if there is one
    sequence_end             end = sequence_end::none;

    // Records which positions are dirty; NULL: they are not recorded. The sequence's next tokens are
    // computed under its current dose.
    std::shared_ptr<shower_ledger> ledger;
    bool                           dosed = false;
    int32_t                        sink  = 0; // number of first positions that are not dosed
};
