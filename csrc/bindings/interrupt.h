// What may interrupt a computation: a signal such as Ctrl-C.

#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <memory>
#include <utility>

class interrupt {
public:
    // A computation, from its beginning to its end, however it ends. Created and destroyed with the GIL.
    class scope {
    public:
        explicit scope(interrupt & of) : of(of) { of.begin(); }
        ~scope() { of.active = false; }

        scope(const scope &) = delete;
        scope & operator=(const scope &) = delete;

        // raises what a signal handler has raised in the meantime
        void raise() {
            if (of.raised) {
                throw pybind11::error_already_set(*std::exchange(of.raised, nullptr));
            }
        }

    private:
        interrupt & of;
    };

    // Call without the GIL, from the thread that created the scope. Taking the GIL can mean waiting for other threads, so signals
    // are checked once every two milliseconds. What a handler raises is kept for scope::raise().
    bool poll() {
        if (!active) {
            return false; // something else computes with the context
        }
        if (raised) {
            return true;
        }
        const auto now = std::chrono::steady_clock::now();
        if (handles_signals && now - last_look > std::chrono::milliseconds(2)) {
            last_look = now;
            const pybind11::gil_scoped_acquire gil;
            if (PyErr_CheckSignals() != 0) {
                raised = std::make_unique<pybind11::error_already_set>();
            }
        }
        return raised != nullptr;
    }

private:
    // Python handles signals in its main thread only
    void begin() {
        const auto main_thread = pybind11::module_::import("threading").attr("main_thread")();
        handles_signals = main_thread.attr("ident").cast<unsigned long>() == PyThread_get_thread_ident();
        raised.reset();
        active          = true;
    }

    bool handles_signals = false;
    bool active          = false; // within a scope
    std::chrono::steady_clock::time_point last_look;
    std::unique_ptr<pybind11::error_already_set> raised;
};
