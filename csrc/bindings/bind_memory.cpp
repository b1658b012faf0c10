// cache_memory: the memory that the cache of a context takes, and what is left.

#include "bindings.h"
#include "context.h"

#include "ggml-backend.h"
#include "llama-ext.h"

#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace py = pybind11;

// bytes that the cache takes in one kind of memory, and bytes that a device reports as free there; main memory reports nothing
using cache_part = std::pair<size_t, std::optional<size_t>>;

static std::vector<cache_part> cache_memory(uintptr_t address) {
    std::vector<cache_part> parts;
    for (const auto & [buft, data] : llama_get_memory_breakdown(as_context(address))) {
        if (data.context == 0) {
            continue;
        }
        const auto device = ggml_backend_buft_get_device(buft);
        if (!device || ggml_backend_buft_is_host(buft)) {
            parts.emplace_back(data.context, std::nullopt);
            continue;
        }
        size_t free  = 0;
        size_t total = 0;
        ggml_backend_dev_memory(device, &free, &total);
        parts.emplace_back(data.context, free);
    }
    return parts;
}

void bind_memory(py::module_ & m) {
    m.def("cache_memory", &cache_memory, py::arg("ctx"), py::call_guard<py::gil_scoped_release>(), // calls devices, which may log
        "Bytes that the cache of a context takes, and bytes that are free beside it, for each kind of memory.");
}
