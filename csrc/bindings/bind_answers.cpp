// compare_answers, answer_of, rouge_l, confidence: how far several answers to one question agree, computed as in the server.

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

static py::dict compare(const std::string & sober, const std::vector<std::string> & others, const std::string & kind) {
    if (others.empty()) {
        throw py::value_error("others is empty: give at least one text");
    }
    const auto of = kind_of(kind);
    drugs_answers found;
    {
        const py::gil_scoped_release release; // the texts were copied
        found = drugs_compare_answers(sober, others, of);
    }
    py::list groups;
    for (const auto & group : found.groups) {
        groups.append(py::dict(py::arg("answer") = group.answer, py::arg("first") = group.first, py::arg("n") = group.n));
    }
    return py::dict(py::arg("kind") = drugs_answer_kind_name(found.kind), py::arg("agreement") = found.agreement,
            py::arg("entropy") = found.entropy, py::arg("similarity") = found.similarity, py::arg("groups") = groups);
}

static std::string answer_of(const std::string & text, const std::string & kind) {
    return drugs_answer_of(text, kind_of(kind));
}

void bind_answers(py::module_ & m) {
    m.def("compare_answers", &compare, py::arg("sober"), py::arg("others"), py::arg("kind") = "auto", "Compares answers to one question.");
    m.def("answer_of", &answer_of, py::arg("text"), py::arg("kind"), "The answer that a text gives, as it is compared.");
    m.def("usual_doses", &drugs_usual_doses, "Doses of the varied answers where none are given, as JSON.");
    m.def("rouge_l", &drugs_rouge_l, py::arg("a"), py::arg("b"), "Rouge-L F1 of two texts, by words.");
    m.def("confidence", &drugs_confidence, py::arg("agreement"), py::arg("log_likelihood"), "How likely the sober answer is to be right, 0 to 1.");
}
