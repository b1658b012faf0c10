// ShowerLedger, shorten: which positions of a sequence are dirty, when a shower is due, and where it begins.

#include "bindings.h"
#include "context.h"
#include "shower-cache.h"
#include "shower-ledger.h"

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace py = pybind11;

using flag_array = py::array_t<bool, py::array::c_style | py::array::forcecast>; // (n_tokens,)

static py::object first_dirty(const shower_ledger & ledger) {
    const int32_t first = ledger.first_dirty();
    return first < 0 ? py::object(py::none()) : py::object(py::int_(first));
}

static py::array_t<bool> flags(const shower_ledger & ledger) {
    py::array_t<bool> array(ledger.size());
    std::copy(ledger.positions().begin(), ledger.positions().end(), array.mutable_data());
    return array;
}

static void load(shower_ledger & ledger, const flag_array & flags) {
    if (flags.ndim() != 1) {
        throw py::value_error("flags has shape " + py::str(flags.attr("shape")).cast<std::string>() + ": give one flag for each position, (n_tokens,)");
    }
    ledger.load({ flags.data(), flags.data() + flags.size() });
}

// Empties or shortens the cache, and computes nothing: the GIL is held, which prevents two Python threads from
// changing the same context at once.
static int32_t shorten(uintptr_t address, llama_seq_id seq_id, int32_t n_tokens) {
    llama_context * ctx = as_context(address);
    check_seq(ctx, seq_id);
    if (n_tokens < 0) {
        throw py::value_error("n_tokens is " + std::to_string(n_tokens) + ": a sequence has 0 positions or more");
    }
    return shower_shorten(ctx, seq_id, n_tokens);
}

void bind_shower(py::module_ & m) {
    py::class_<shower_ledger, std::shared_ptr<shower_ledger>>(m, "ShowerLedger", "Which positions of a sequence are dirty.")
        .def(py::init<>())
        .def("computed", &shower_ledger::computed, py::arg("start"), py::arg("end"), py::arg("dosed"), py::arg("sink"),
            "Note that positions were computed.")
        .def("cut", &shower_ledger::cut, py::arg("n_tokens"), "Note that the sequence was shortened.")
        .def("shift", &shower_ledger::shift, py::arg("n_keep"), py::arg("n_gone"), "Note that positions are gone from its middle.")
        .def("clear", &shower_ledger::clear, "Note that the sequence was emptied.")
        .def_property_readonly("n_tokens", &shower_ledger::size)
        .def_property_readonly("n_dirty", [](const shower_ledger & ledger) { return ledger.n_dirty(); })
        .def_property_readonly("first_dirty", &first_dirty)
        .def("is_due", [](const shower_ledger & ledger, int32_t interval) { return ledger.is_due(interval); }, py::arg("interval"),
            "Whether as many positions are dirty.")
        .def("until_due", [](const shower_ledger & ledger, int32_t interval) { return ledger.until_due(interval); }, py::arg("interval"),
            "Dosed tokens that may still be computed.")
        .def("flags", &flags, "Which positions are dirty.")
        .def("load", &load, py::arg("flags"), "Take over what flags() returned.");

    m.def("shorten", &shorten, py::arg("ctx"), py::arg("seq_id"), py::arg("n_tokens"),
        "Make the cache of a sequence end after n_tokens positions, or empty it where it cannot go back there.");
}
