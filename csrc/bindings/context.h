// A context, which Python passes as its address, and a sequence of it.

#pragma once

#include "errors.h"

#include "llama.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

inline llama_context * as_context(uintptr_t address) {
    if (address == 0) {
        throw drugs_error(error_kind::state, "ctx is 0: the context was closed; make a new one");
    }
    return reinterpret_cast<llama_context *>(address);
}

// positions n_past .. n_past + n_tokens - 1
inline void check_positions(int32_t n_past, size_t n_tokens) {
    if (n_past < 0 || n_tokens > (size_t) std::numeric_limits<int32_t>::max() - n_past) {
        throw pybind11::value_error(std::to_string(n_tokens) + " tokens after " + std::to_string(n_past) +
            " others are not possible: positions go from 0 to " + std::to_string(std::numeric_limits<int32_t>::max()));
    }
}

inline void check_seq(const llama_context * ctx, llama_seq_id seq_id) {
    if (seq_id < 0 || (uint32_t) seq_id >= llama_n_seq_max(ctx)) {
        throw pybind11::value_error("sequence " + std::to_string(seq_id) + " does not exist: this context has " +
            std::to_string(llama_n_seq_max(ctx)) + " of them");
    }
}

// sequences that get tokens in one batch: at least one, and each only once
inline void check_seqs(const llama_context * ctx, const std::vector<llama_seq_id> & seq_ids) {
    if (seq_ids.empty()) {
        throw pybind11::value_error("no sequence: give one at least");
    }
    std::set<llama_seq_id> seen;
    for (const auto seq_id : seq_ids) {
        check_seq(ctx, seq_id);
        if (!seen.insert(seq_id).second) {
            throw pybind11::value_error("sequence " + std::to_string(seq_id) + " is there twice: give each one once");
        }
    }
}
