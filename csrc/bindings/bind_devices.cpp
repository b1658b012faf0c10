// devices, add_rpc_server: the devices that can compute, here and on other computers.

#include "bindings.h"
#include "errors.h"

#include "ggml-backend.h"
#include "ggml-library-folder.h"

#include <pybind11/stl.h>

#include <stdexcept>
#include <string>

namespace py = pybind11;

static std::string kind_of(ggml_backend_dev_t dev) {
    switch (ggml_backend_dev_type(dev)) {
        case GGML_BACKEND_DEVICE_TYPE_CPU:  return "CPU";
        case GGML_BACKEND_DEVICE_TYPE_GPU:  return "GPU";
        case GGML_BACKEND_DEVICE_TYPE_IGPU: return "IGPU";
        default:                            return "other";
    }
}

static py::list devices() {
    py::list found;
    for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        ggml_backend_dev_t dev = ggml_backend_dev_get(i);
        py::dict of;
        of["name"]        = ggml_backend_dev_name(dev);
        of["description"] = ggml_backend_dev_description(dev);
        of["kind"]        = kind_of(dev);
        found.append(of);
    }
    return found;
}

using add_server_t = ggml_backend_reg_t (*)(const char * endpoint);

static void add_rpc_server(const std::string & endpoint) {
    ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
    if (!rpc) {
        throw drugs_error(error_kind::rpc_server, "this build has no RPC: build drugs_cpp with -DGGML_RPC=ON");
    }
    const auto add_server = (add_server_t) ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server");
    ggml_backend_reg_t server = add_server(endpoint.c_str());
    if (!server) {
        throw drugs_error(error_kind::rpc_server, "the RPC server at " + endpoint + " has no devices");
    }
    ggml_backend_register(server);
}

// A package for all processors chooses here; what it says about that would come with every import.
static void load_backends() {
    ggml_log_callback callback = nullptr;
    void * user_data = nullptr;
    ggml_log_get(&callback, &user_data);
    ggml_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    ggml_backend_count_or_load();
    ggml_log_set(callback, user_data);
}

void bind_devices(py::module_ & m) {
    load_backends();
    m.def("devices", &devices, "What ggml can compute on: name, description and kind of each.");
    m.def("add_rpc_server", &add_rpc_server, py::arg("endpoint"), py::call_guard<py::gil_scoped_release>(),
        "Let models that are loaded from now on use the devices of an RPC server.");
}
