// BackgroundEvaluation: evaluates tokens while Python does something else.

#include "background-evaluation.h"
#include "bindings.h"
#include "context.h"
#include "errors.h"

#include <pybind11/stl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace py = pybind11;

// Its thread holds the GIL only while llama.cpp logs, and does not wait for it at its end: an interpreter that shuts
// down stops threads that wait for it, in the middle of C++ code. Code that waits for the thread releases the GIL,
// because the thread may be logging.
class py_background_evaluation {
public:
    py_background_evaluation(uintptr_t address, std::vector<llama_token> tokens, int32_t n_past, llama_seq_id seq_id) {
        llama_context * ctx = as_context(address);
        check_seq(ctx, seq_id);
        try {
            core = std::make_unique<background_evaluation>(ctx, std::move(tokens), n_past, seq_id);
        } catch (const std::system_error & error) {
            throw drugs_error(error_kind::memory_limit, std::string("no thread to evaluate in: ") + error.what() + ": end some others first");
        }
    }

    ~py_background_evaluation() {
        const py::gil_scoped_release release;
        core.reset();
    }

    void wait() {
        // only Python's main thread handles signals, and this may be it
        while (!wait_a_moment()) {
            if (PyErr_CheckSignals() != 0) {
                throw py::error_already_set();
            }
        }
    }

    void stop() {
        core->cancel();
        const py::gil_scoped_release release;
        core->wait();
    }

    bool is_complete() const { return core->is_complete(); }

private:
    bool wait_a_moment() {
        const py::gil_scoped_release release;
        return core->wait_for(std::chrono::milliseconds(20));
    }

    std::unique_ptr<background_evaluation> core;
};

void bind_background(py::module_ & m) {
    py::class_<py_background_evaluation>(m, "BackgroundEvaluation", "Tokens that are evaluated in a thread of C++.")
        .def(py::init<uintptr_t, std::vector<llama_token>, int32_t, llama_seq_id>(), py::arg("ctx"), py::arg("tokens"), py::arg("n_past"),
            py::arg("seq_id"))
        .def("wait", &py_background_evaluation::wait, "Wait for its end.")
        .def("stop", &py_background_evaluation::stop, "Cancel it, and wait for its end.")
        .def_property_readonly("is_complete", &py_background_evaluation::is_complete);
}
