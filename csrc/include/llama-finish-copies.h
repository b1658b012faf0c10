// Copies of sequences, for contexts in which each sequence has its own cache.

#pragma once

#include "llama.h"

#ifdef __cplusplus
extern "C" {
#endif

// Carries out the copies that llama_memory_seq_cp() has scheduled for the next batch. Otherwise a state that is loaded into a sequence in
// between (llama_state_seq_set_data()) would be overwritten by a pending copy. Returns false on failure; the next batch fails, too.
LLAMA_API bool llama_finish_copies(struct llama_context * ctx);

#ifdef __cplusplus
}
#endif
