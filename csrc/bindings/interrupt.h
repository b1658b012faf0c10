// What may stop a computation: another thread that asks for it, or a signal such as Ctrl-C.

#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

class interrupt {
public:
    void set() { asked = true; }

    // call with the GIL, before a computation begins: Python handles signals in its main thread only
    void begin() {
        const auto main_thread = pybind11::module_::import("threading").attr("main_thread")();
        handles_signals = main_thread.attr("ident").cast<unsigned long>() == PyThread_get_thread_ident();
        raised.reset();
        active          = true;
    }

    // Call without the GIL, from the thread that called begin(). Taking the GIL can mean waiting for other threads, so signals are
    // looked for once in two milliseconds. What a handler raises is kept until end().
    bool poll() {
        if (!active) {
            return false; // somebody else computes with the context
        }
        if (asked || raised) {
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

    // call with the GIL, after the computation
    void end() {
        active = false;
        if (raised) {
            throw pybind11::error_already_set(*std::exchange(raised, nullptr));
        }
    }

private:
    std::atomic<bool> asked{ false };
    bool handles_signals = false;
    bool active          = false; // between begin() and end()
    std::chrono::steady_clock::time_point last_look;
    std::unique_ptr<pybind11::error_already_set> raised;
};
