// A context of its own for the text of a request: what a server's slots have, their caches and doses, stays as it is.

#pragma once

#include "common.h"

#include "llama-cpp.h"

#include <cstdint>

// tokens of a batch: the slots wait for one, and the logits of more would take memory
constexpr uint32_t DRUGS_HIDDEN_BATCH = 64;

// A context for n_tokens, which computes as slots of n_slot tokens do, with the server's adapters and control vectors.
// Throws std::runtime_error: there is no memory for it.
llama_context_ptr drugs_open_hidden_context(llama_model * model, const common_params & params, int32_t n_tokens, int32_t n_slot);
