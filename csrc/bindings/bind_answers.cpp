// compare_answers, answer_of, rouge_l, confidence: how far several answers to one question agree, as the server says it, too.

#include "bindings.h"
#include "drugs-answers.h"
#include "errors.h"

#include <pybind11/stl.h>

#include <string>
#include <vector>

namespace py = pybind11;

static drugs_answer_kind kind_of(const std::string & name) {
    try {
        return drugs_answer_kind_of_name(name);
    } catch (const std::invalid_argument & error) {
        throw drugs_error(error_kind::option, error.what());
    }
}

static drugs_answers compare(const std::string & sober, const std::vector<std::string> & others, const std::string & kind) {
    if (others.empty()) {
        throw py::value_error("others is empty: give at least one text");
    }
    const auto of = kind_of(kind);
    const py::gil_scoped_release release; // the texts were copied
    return drugs_compare_answers(sober, others, of);
}

static std::string answer_of(const std::string & text, const std::string & kind) {
    return drugs_answer_of(text, kind_of(kind));
}

void bind_answers(py::module_ & m) {
    py::class_<drugs_answer_group>(m, "AnswerGroup", "Texts that give one answer.")
        .def_readonly("answer", &drugs_answer_group::answer, "As it is compared; empty: they hold none.")
        .def_readonly("first", &drugs_answer_group::first, "Index of the first text that gives it; 0 is the sober one.")
        .def_readonly("n", &drugs_answer_group::n, "Texts that give it, without the sober one.");
    py::class_<drugs_answers>(m, "Answers", "How far several answers agree.")
        .def_property_readonly("kind", [](const drugs_answers & self) { return drugs_answer_kind_name(self.kind); }, "What of a text was taken for its answer.")
        .def_readonly("agreement", &drugs_answers::agreement, "Share of the other texts that give the sober text's answer.")
        .def_readonly("entropy", &drugs_answers::entropy, "Of the other texts' answers, in nats.")
        .def_readonly("similarity", &drugs_answers::similarity, "Mean Rouge-L F1 of all pairs of other texts.")
        .def_readonly("groups", &drugs_answers::groups, "Of texts that give one answer, the largest first.");
    m.def("compare_answers", &compare, py::arg("sober"), py::arg("others"), py::arg("kind") = "auto", "Compares answers to one question.");
    m.def("answer_of", &answer_of, py::arg("text"), py::arg("kind"), "The answer that a text gives, as it is compared.");
    m.def("rouge_l", &drugs_rouge_l, py::arg("a"), py::arg("b"), "Rouge-L F1 of two texts, by words.");
    m.def("confidence", &drugs_confidence, py::arg("answers"), py::arg("log_likelihood"), "How likely the sober answer is to be right, 0 to 1.");
}
