// A context, as Python gives it: by its address.

#pragma once

#include "llama.h"

#include <pybind11/pybind11.h>

#include <cstdint>

inline llama_context * as_context(uintptr_t address) {
    if (address == 0) {
        throw pybind11::value_error("ctx is 0: the context was closed; make a new one");
    }
    return reinterpret_cast<llama_context *>(address);
}
