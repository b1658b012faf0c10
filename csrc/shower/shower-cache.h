// How far a sequence's cache can go back, and therefore where a cold shower begins.

#pragma once

#include "llama.h"

#include <cstdint>

// Whether the cache still holds everything that the first n_tokens positions of a sequence attend to. A sliding
// window may have lost some of it. A recurrent state has only its last position, which it cannot lose:
// shower_go_back() finds that out. Changes nothing.
bool shower_can_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);

// Truncates the cache of a sequence to n_tokens positions. Returns false and leaves the cache unchanged if it cannot go back that
// far.
bool shower_go_back(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);

// Truncates the cache of a sequence to n_tokens positions, or empties it if it cannot go back that far. Returns the remaining
// length, n_tokens or 0: everything after it has to be computed again.
int32_t shower_shorten(llama_context * ctx, llama_seq_id seq_id, int32_t n_tokens);
