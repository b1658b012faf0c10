// Decoder, Sequence, Changes: prompts and sequences that are decoded together, without Python between two tokens.

#include "bindings.h"
#include "context.h"
#include "decoder.h"
#include "errors.h"
#include "interrupt.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

using logits_array = py::array_t<float, py::array::c_style | py::array::forcecast>; // (n_vocab,)

// The GIL is released while a decoder computes. This is safe because it does not touch Python objects then: arguments were copied
// to C++ before, and drugs_cpp.Llama lets no other thread use its contexts and sequences meanwhile.
class py_decoder {
public:
    explicit py_decoder(uintptr_t address) : ctx(as_context(address)), core(ctx, [this] { return stop.poll(); }) {}

    void evaluate(const std::vector<llama_token> & tokens, int32_t n_past, const std::vector<llama_seq_id> & seq_ids, bool shared,
            bool all_logits) {
        check_seqs(ctx, seq_ids);
        check_positions(n_past, tokens.size());
        check_tokens(tokens);
        check_batch(shared ? 1 : seq_ids.size());
        compute([&] { return core.evaluate(tokens, n_past, seq_ids, shared, all_logits); });
    }

    void choose(sequence & seq, const logits_array & logits) {
        if (logits.ndim() != 1 || logits.shape(0) != core.n_vocab()) {
            throw py::value_error("logits must have shape (" + std::to_string(core.n_vocab()) + ",), one number for each token");
        }
        if (seq.end == sequence_end::none) {
            choosing([&] { core.choose(seq, logits.data()); });
        }
    }

    logits_array logits() const {
        const float * last;
        {
            // waits for devices, and a thread that serves one may log, which takes the GIL
            const py::gil_scoped_release release;
            last = core.last_logits();
        }
        if (!last) {
            throw drugs_error(error_kind::no_logits, "there are no logits yet: evaluate at least one token first");
        }
        return logits_array(core.n_vocab(), last);
    }

    void run(const std::vector<sequence *> & seqs, int32_t n_steps, const std::vector<std::pair<change_counter *, int64_t>> & unchanged,
            bool text, std::optional<int32_t> sober_interval) {
        if (seqs.empty()) {
            return;
        }
        check_seqs(ctx, ids_of(seqs));
        check_batch(ids_of(seqs).size());
        for (const auto & [counter, value] : unchanged) {
            if (!counter) {
                throw py::value_error("unchanged holds None: give pairs of Changes and a number");
            }
        }
        const int32_t interval = sober_interval.value_or(std::numeric_limits<int32_t>::max());
        const decoder::limits until = { n_steps, text, { unchanged.begin(), unchanged.end() }, interval };
        compute([&] { return core.run(seqs, until); });
    }

private:
    // the sequences that get a token, including twins
    static std::vector<llama_seq_id> ids_of(const std::vector<sequence *> & seqs) {
        std::vector<llama_seq_id> ids;
        for (const auto * seq : seqs) {
            if (!seq) {
                throw py::value_error("sequences holds None: give sequences");
            }
            if (seq->tokens.empty() || seq->end != sequence_end::none) {
                throw py::value_error("sequence " + std::to_string(seq->seq_id) + " has no token to continue from, or has ended");
            }
            ids.push_back(seq->seq_id);
            if (seq->twin != -1) {
                ids.push_back(seq->twin);
            }
        }
        return ids;
    }

    void check_tokens(const std::vector<llama_token> & tokens) const {
        for (const auto token : tokens) {
            if (token < 0 || token >= core.n_vocab()) {
                throw drugs_error(error_kind::token, "token " + std::to_string(token) + " is not in this model's vocabulary of " +
                    std::to_string(core.n_vocab()) + " tokens");
            }
        }
    }

    void check_batch(size_t n_tokens) const {
        if (n_tokens > llama_n_batch(ctx)) {
            throw py::value_error(std::to_string(n_tokens) + " sequences do not fit into a batch of " + std::to_string(llama_n_batch(ctx)) + " tokens");
        }
    }

    template <typename F>
    void compute(F && what) {
        interrupt::scope scope(stop);
        decoder_status status = DECODER_FAILED;
        choosing([&] {
            const py::gil_scoped_release release;
            status = what();
        });
        scope.raise();
        check_decoded(status, core.n_failed);
    }

    // A sampler may throw: a grammar does if the vocabulary has no token that it allows.
    template <typename F>
    static void choosing(F && what) {
        try {
            what();
        } catch (const std::runtime_error & error) {
            throw drugs_error(error_kind::decode, std::string("no token could be chosen: ") + error.what());
        }
    }

    llama_context * ctx;
    interrupt       stop;
    decoder         core;
};

static sequence make_sequence(llama_seq_id seq_id, int32_t n_past, int32_t n_max, int32_t n_extra, std::vector<std::string> stop,
        std::vector<llama_token> stop_tokens, uintptr_t sampler, llama_seq_id twin, std::shared_ptr<shower_ledger> ledger) {
    check_positions(n_past, 0);
    if (n_max < 1) {
        throw py::value_error("n_max is " + std::to_string(n_max) + ": a sequence chooses 1 token or more");
    }
    if (n_extra < 0) {
        throw py::value_error("n_extra is " + std::to_string(n_extra) + ": give 0 tokens or more");
    }
    return { seq_id, twin, n_past, n_max, n_extra, reinterpret_cast<llama_sampler *>(sampler), sequence_text(std::move(stop)), std::move(stop_tokens),
        {}, sequence_end::none, std::move(ledger), /* dosed = */ false, /* sink = */ 0 };
}

static const char * end_name(const sequence & seq) {
    switch (seq.end) {
        case sequence_end::eos:    return "eos";
        case sequence_end::stop:   return "stop";
        case sequence_end::length: return "length";
        case sequence_end::failed: return "failed";
        default:                   return nullptr;
    }
}

void bind_decode(py::module_ & m) {
    py::class_<change_counter>(m, "Changes", "A number that grows; a decoder stops where it has.")
        .def(py::init([] { return new change_counter(0); }))
        .def("add", [](change_counter & counter) { ++counter; }, "Make it one larger.")
        .def_property_readonly("value", [](const change_counter & counter) { return counter.load(); });

    py::class_<sequence>(m, "Sequence", "A sequence that is being continued.")
        .def(py::init(&make_sequence), py::arg("seq_id"), py::arg("n_past"), py::arg("n_max"), py::kw_only(), py::arg("n_extra") = 0,
            py::arg("stop"), py::arg("stop_tokens"), py::arg("sampler"), py::arg("twin") = -1, py::arg("ledger").none(true) = py::none())
        .def_readwrite("seq_id", &sequence::seq_id)
        .def_readonly("ledger", &sequence::ledger)
        .def_readwrite("dosed", &sequence::dosed)
        .def_readwrite("sink", &sequence::sink)
        .def_readonly("n_past", &sequence::n_past)
        .def_property_readonly("has_text", [](const sequence & seq) { return seq.text.ready(); })
        .def_readonly("tokens", &sequence::tokens)
        .def_property_readonly("n_tokens", [](const sequence & seq) { return seq.tokens.size(); })
        .def_property_readonly("end", &end_name)
        .def("take_text", [](sequence & seq) {
            return py::bytes(seq.end == sequence_end::none ? seq.text.take() : seq.text.take_rest());
        }, "Text that was not taken yet.");

    py::class_<py_decoder>(m, "Decoder", "Evaluates and decodes in one context, with the GIL released.")
        .def(py::init<uintptr_t>(), py::arg("ctx"))
        .def("evaluate", &py_decoder::evaluate, py::arg("tokens"), py::arg("n_past"), py::arg("seq_ids"), py::arg("shared") = true,
            py::arg("outputs") = false, "Evaluate tokens after n_past others.")
        .def("choose", &py_decoder::choose, py::arg("sequence"), py::arg("logits"), "Choose a sequence's next token.")
        .def("logits", &py_decoder::logits, "The last logits.")
        .def("run", &py_decoder::run, py::arg("sequences"), py::arg("n_steps"), py::arg("unchanged"), py::arg("text"),
            py::arg("sober_interval") = py::none(), "Decode sequences together.");
}
