// What is needed to compute a single op on a device.

#pragma once

#include "ggml-backend.h"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

struct ggml_context_deleter   { void operator()(ggml_context   * ctx)     const { ggml_free(ctx); } };
struct ggml_backend_deleter   { void operator()(ggml_backend_t   backend) const { ggml_backend_free(backend); } };
struct ggml_buffer_deleter    { void operator()(ggml_backend_buffer_t b)  const { ggml_backend_buffer_free(b); } };

using context_ptr = std::unique_ptr<ggml_context, ggml_context_deleter>;
using backend_ptr = std::unique_ptr<ggml_backend, ggml_backend_deleter>;
using buffer_ptr  = std::unique_ptr<ggml_backend_buffer, ggml_buffer_deleter>;

inline void check(bool ok, const std::string & message) {
    if (!ok) {
        throw pybind11::value_error(message);
    }
}

// device: a name from devices(); n_threads: of the CPU
inline backend_ptr backend_of(const std::string & device, int32_t n_threads) {
    backend_ptr backend(ggml_backend_init_by_name(device.c_str(), nullptr));
    if (!backend) {
        throw pybind11::value_error("device is '" + device + "': it must be one of devices(), which ggml finds beside its library");
    }
    ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend.get()));
    auto set_n_threads = (ggml_backend_set_n_threads_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
    if (set_n_threads) {
        set_n_threads(backend.get(), n_threads);
    }
    return backend;
}

inline context_ptr no_alloc_context() {
    return context_ptr(ggml_init({ 32*ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true }));
}

// memory for all tensors of ctx
inline buffer_ptr allocate(ggml_context * ctx, ggml_backend_t backend) {
    buffer_ptr buffer(ggml_backend_alloc_ctx_tensors(ctx, backend));
    if (!buffer) {
        throw std::bad_alloc();
    }
    return buffer;
}

inline void compute_graph(ggml_backend_t backend, ggml_cgraph * graph) {
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        if (!ggml_backend_supports_op(backend, ggml_graph_node(graph, i))) {
            throw pybind11::value_error(std::string(ggml_backend_name(backend)) + " has no kernel for this shape and type: in a model the CPU computes it");
        }
    }
    if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS) {
        throw std::runtime_error("the graph could not be computed");
    }
}
