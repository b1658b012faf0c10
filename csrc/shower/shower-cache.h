// How far a sequence's cache can go back, and so where a cold shower begins.

#pragma once

#include "llama.h"

#include <cstdint>

// Whether the cache still holds all that a sequence of its first n_tokens positions looks at. A sliding window may have lost some of
// that, and a recurrent state has only its last position, which it cannot lose: shower_go_back() finds that out. Changes nothing.
bool shower_can_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);

// Makes the cache of a sequence end after n_tokens positions. false: it cannot go back there, and is as it was.
bool shower_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);

// Makes the cache of a sequence end after n_tokens positions, or empties it where it cannot go back there. Returns what is left:
// n_tokens or 0, from where on everything has to be computed again.
int32_t shower_shorten(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);
