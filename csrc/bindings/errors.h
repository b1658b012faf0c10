// Exceptions for Python: classes of drugs_cpp.errors. Codes of llama-drugs.h and of the decoder become exceptions only here.

#pragma once

#include "decoder.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <stdexcept>
#include <string>

enum class error_kind { context_overflow, dose, decode, no_logits, rpc_server, memory_limit, option, prompt, state, token };

class drugs_error : public std::runtime_error {
public:
    drugs_error(error_kind kind, const std::string & message) : std::runtime_error(message), kind(kind) {}

    const error_kind kind;
};

// throws if `status` is an error of enum llama_drugs_status; `what` begins the message
void check_status(const std::string & what, int32_t status);

// throws if decoding failed; n_failed: what llama_decode() returned
void check_decoded(decoder_status status, int32_t n_failed);

// From here on, functions of this module may throw drugs_error, std::invalid_argument for a dose that cannot be used, and
// std::out_of_range for an impossible number of tokens.
void translate_errors();
