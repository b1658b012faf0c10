// A context, as Python gives it: by its address. And a sequence of it.

#pragma once

#include "errors.h"

#include "llama.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

inline llama_context * as_context(uintptr_t address) {
    if (address == 0) {
        throw drugs_error(error_kind::state, "ctx is 0: the context was closed; make a new one");
    }
    return reinterpret_cast<llama_context *>(address);
}

inline void check_seq(const llama_context * ctx, llama_seq_id seq_id) {
    if (seq_id < 0 || (uint32_t) seq_id >= llama_n_seq_max(ctx)) {
        throw pybind11::value_error("sequence " + std::to_string(seq_id) + " does not exist: this context has " +
            std::to_string(llama_n_seq_max(ctx)) + " of them");
    }
}
