// Copies of sequences in a context where each has a cache of its own.

#pragma once

#include "llama.h"

#ifdef __cplusplus
extern "C" {
#endif

// Carries out what llama_memory_seq_cp() has noted for the next batch. A state that is read into a sequence in between
// (llama_state_seq_set_data()) would be overwritten by a copy that comes later. false: it failed, as the next batch will.
LLAMA_API bool llama_finish_copies(struct llama_context * ctx);

#ifdef __cplusplus
}
#endif
