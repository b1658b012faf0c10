// A separate context for the text of a request: the caches and doses of a server's slots stay as they are.

#pragma once

#include "common.h"

#include "llama-cpp.h"

#include <cstdint>

// tokens per batch: the slots wait for a batch, and the logits of more tokens would take more memory
constexpr uint32_t DRUGS_HIDDEN_BATCH = 64;

// A context for n_tokens that computes like slots of n_slot tokens, with the server's adapters and control vectors.
// Throws std::runtime_error if there is no memory for it.
llama_context_ptr drugs_open_hidden_context(llama_model * model, const common_params & params, int32_t n_tokens, int32_t n_slot);
