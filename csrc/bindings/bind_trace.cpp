// trace_begin, trace_end, trace_clear, trace_tokens, trace_part, trace_lens: llama-trace.h for Python.

#include "bindings.h"
#include "context.h"
#include "errors.h"

#include "llama-trace.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

using float_array = py::array_t<float, py::array::c_style | py::array::forcecast>;

static llama_trace_part part_of(const std::string & name) {
    static const std::vector<std::string> names = { "hidden", "norm", "logits", "heads", "attention" };
    for (size_t part = 0; part < names.size(); ++part) {
        if (name == names[part]) {
            return (llama_trace_part) part;
        }
    }
    throw py::value_error("unknown part '" + name + "' of a trace: the parts are hidden, norm, logits, heads, attention");
}

// a flag per layer; vector<bool> does not store them as an array
static std::unique_ptr<bool[]> flags_of(const std::vector<int32_t> & layers, int32_t n, const char * what) {
    auto flags = std::make_unique<bool[]>(n);
    for (const auto layer : layers) {
        if (layer < 0 || layer >= n) {
            throw py::value_error(std::string(what) + ": layer " + std::to_string(layer) + " does not exist: give 0 to " + std::to_string(n - 1));
        }
        flags[layer] = true;
    }
    return flags;
}

// Except for the lens, these functions keep the GIL: they copy numbers and never wait, and holding it prevents two Python threads
// from changing the same context at once.

static void trace_begin(uintptr_t address, const std::vector<int32_t> & hidden, const std::vector<int32_t> & heads,
        const std::vector<int32_t> & attention, bool norm, bool logits) {
    llama_context * ctx = as_context(address);
    const int32_t n_layer = llama_drugs_n_layer(ctx);
    const auto hidden_flags    = flags_of(hidden,    n_layer + 1, "hidden");
    const auto heads_flags     = flags_of(heads,     n_layer,     "heads");
    const auto attention_flags = flags_of(attention, n_layer,     "attention");

    const llama_trace_params params = { hidden_flags.get(), heads_flags.get(), attention_flags.get(), n_layer, norm, logits };
    check_status("the trace", llama_trace_begin(ctx, &params));
}

static std::vector<std::pair<llama_seq_id, llama_pos>> trace_tokens(uintptr_t address) {
    const llama_context * ctx = as_context(address);
    std::vector<std::pair<llama_seq_id, llama_pos>> tokens(llama_trace_n_rows(ctx));
    for (size_t row = 0; row < tokens.size(); ++row) {
        check_status("the trace", llama_trace_token(ctx, (int32_t) row, &tokens[row].first, &tokens[row].second));
    }
    return tokens;
}

// std::nullopt: the model has no such part
static std::optional<std::vector<float_array>> trace_part(uintptr_t address, const std::string & name, int32_t layer) {
    const llama_context * ctx = as_context(address);
    const auto part = part_of(name);
    std::vector<float_array> rows;
    for (int32_t row = 0; row < llama_trace_n_rows(ctx); ++row) {
        llama_trace_values values;
        const int32_t status = llama_trace_get(ctx, row, part, layer, &values);
        if (status == LLAMA_DRUGS_ERR_TRACE) {
            return std::nullopt;
        }
        check_status("the trace", status);
        rows.emplace_back(std::vector<py::ssize_t>{ values.n_row, values.n_column }, values.data);
    }
    return rows;
}

static float_array trace_lens(uintptr_t address, const float_array & hidden) {
    llama_context * ctx = as_context(address);
    const auto * model  = llama_get_model(ctx);
    const int32_t n_embd  = llama_model_n_embd(model);
    const int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    if (hidden.ndim() != 2 || hidden.shape(0) < 1 || hidden.shape(1) != n_embd) {
        throw py::value_error("hidden states must have shape (n, " + std::to_string(n_embd) + "), n at least 1");
    }
    float_array logits({ hidden.shape(0), (py::ssize_t) n_vocab });
    int32_t status;
    {
        const float * in  = hidden.data();
        float       * out = logits.mutable_data();
        const py::gil_scoped_release release; // it computes with these arrays, which nothing else holds or frees in the meantime
        status = llama_trace_lens(ctx, in, (int32_t) hidden.shape(0), out);
    }
    if (status == LLAMA_DRUGS_ERR_TRACE) {
        throw drugs_error(error_kind::option, "the lens: this model has no head, or one that reads more than what its last layer leaves");
    }
    check_status("the lens", status);
    return logits;
}

void bind_trace(py::module_ & m) {
    m.def("trace_begin", &trace_begin, py::arg("ctx"), py::kw_only(), py::arg("hidden"), py::arg("heads"), py::arg("attention"),
        py::arg("norm"), py::arg("logits"), "Read what a context computes for the tokens that are output, from the next one on.");
    m.def("trace_end", [](uintptr_t address) { check_status("the trace", llama_trace_end(as_context(address))); }, py::arg("ctx"),
        "End a context's trace, if it has one.");
    m.def("trace_clear", [](uintptr_t address) { check_status("the trace", llama_trace_clear(as_context(address))); }, py::arg("ctx"),
        "Forget the rows.");
    m.def("trace_tokens", &trace_tokens, py::arg("ctx"), "Sequence and position of each row.");
    m.def("trace_part", &trace_part, py::arg("ctx"), py::arg("part"), py::arg("layer"), "A part of each row.");
    m.def("trace_lens", &trace_lens, py::arg("ctx"), py::arg("hidden"), "What the final norm and the head make of vectors.");
}
