// A sequence that is being continued.

#pragma once

#include "sequence-text.h"
#include "shower-ledger.h"

#include "llama.h"

#include <cstdint>
#include <memory>
#include <vector>

enum class sequence_end {
    none,   // it goes on
    eos,    // the model ended the text
    stop,   // a stop string was found
    length, // it has as many tokens as it may have
    failed, // its sampler has thrown
};

struct sequence {
    llama_seq_id    seq_id;
    llama_seq_id    twin;    // sequence that gets the same tokens, sober; -1: none
    int32_t         n_past;  // tokens in the cache
    int32_t         n_max;   // tokens that it may choose
    int32_t         n_extra; // further ones that may complete a character which n_max would cut
    llama_sampler * sampler; // NULL: the most likely token is taken
    sequence_text   text;

    std::vector<llama_token> stop_tokens; // end the text as the vocabulary's own ones do
    std::vector<llama_token> tokens;      // chosen; the last one goes into the cache at the next step, if there is one
    sequence_end             end = sequence_end::none;

    // Where it is noted which positions are dirty; NULL: nowhere. The sequence's next tokens are computed as its dose says now.
    std::shared_ptr<shower_ledger> ledger;
    bool                           dosed = false;
    int32_t                        sink  = 0; // first positions that are not dosed
};
