// sample: chooses a token from a context's logits in Python's loop.

#include "bindings.h"
#include "context.h"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace py = pybind11;

// The GIL is held: a sampler may call logits processors, which are written in Python and take it again.
static llama_token sample(uintptr_t address, uintptr_t sampler, int32_t row) {
    llama_context * ctx = as_context(address);
    if (sampler == 0) {
        throw py::value_error("sampler is 0: give the address of a llama_sampler");
    }
    if (!llama_get_logits_ith(ctx, row)) {
        throw drugs_error(error_kind::no_logits, "there are no logits in row " + std::to_string(row) + ": evaluate at least one token first");
    }
    try {
        return llama_sampler_sample(reinterpret_cast<llama_sampler *>(sampler), ctx, row);
    } catch (const std::runtime_error & error) { // from a grammar
        throw drugs_error(error_kind::decode, std::string("no token could be chosen: ") + error.what());
    }
}

void bind_sample(py::module_ & m) {
    m.def("sample", &sample, py::arg("ctx"), py::arg("sampler"), py::arg("row"), "Choose a token from a row of logits.");
}
