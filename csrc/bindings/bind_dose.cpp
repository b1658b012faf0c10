// set_dose, get_dose, clear_dose, set_repeatable, can_repeat, repeats_cheaply, has_sites, n_layer, site_names: llama-drugs.h for
// Python. A context is given by its address.

#include "bindings.h"
#include "context.h"
#include "names.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace py = pybind11;

using course_points = std::vector<std::pair<int32_t, float>>; // token, ratio

using table_array = py::array_t<float, py::array::c_style | py::array::forcecast>; // (n_layer, n_sites)

static std::string sequence_name(llama_seq_id seq_id) {
    return "sequence " + std::to_string(seq_id);
}

static void check_shape(const llama_context * ctx, const table_array & table) {
    const int32_t n_layer = llama_drugs_n_layer(ctx);
    if (table.ndim() == 2 && table.shape(0) == n_layer && table.shape(1) == LLAMA_DRUGS_SITE_COUNT) {
        return;
    }
    throw drugs_error(error_kind::dose, "a dose table of shape " + py::str(table.attr("shape")).cast<std::string>() + " does not fit: this model needs (" +
        std::to_string(n_layer) + ", " + std::to_string((int) LLAMA_DRUGS_SITE_COUNT) + "), one row per layer and one column per site");
}

static void check_angles(const table_array & table) {
    const auto angles = table.unchecked<2>();
    for (py::ssize_t il = 0; il < angles.shape(0); ++il) {
        for (py::ssize_t site = 0; site < angles.shape(1); ++site) {
            const float angle = angles(il, site);
            if (!(angle >= 0.0f && angle <= LLAMA_DRUGS_MAX_ANGLE)) {
                throw drugs_error(error_kind::dose, "the angle " + std::to_string(angle) + " of layer " + std::to_string(il) + ", site " +
                    llama_drugs_site_name((llama_drugs_site) site) + " is not possible: angles are radians, 0 to pi, a half turn");
            }
        }
    }
}

// These functions keep the GIL: they copy a few hundred numbers and never wait, and holding it prevents two Python threads from
// changing the same context at once.

static void set_dose(uintptr_t address, llama_seq_id seq_id, const table_array & table, uint32_t seed, int32_t sink,
        const std::string & noise, const std::optional<std::vector<int32_t>> & hold, bool shared_layers, const std::string & angle,
        const std::string & turn, int32_t apart, const course_points & course, int32_t course_start, int32_t start) {
    llama_context * ctx = as_context(address);
    check_shape(ctx, table);
    check_angles(table);
    if (hold && hold->size() != LLAMA_DRUGS_SITE_COUNT) {
        throw drugs_error(error_kind::dose, "hold has " + std::to_string(hold->size()) + " numbers: give one for each of the " +
            std::to_string((int) LLAMA_DRUGS_SITE_COUNT) + " sites");
    }

    llama_drugs_params params;
    params.doses   = table.data();
    params.n_layer = (int32_t) table.shape(0);
    params.seed    = seed;
    params.n_sink  = sink;
    params.start   = start;
    params.noise   = drugs_noise_of_name(noise);
    params.angle   = drugs_angle_of_name(angle);
    params.turn    = drugs_turn_of_name(turn);
    params.apart   = apart;
    params.hold    = hold ? hold->data() : nullptr;
    params.shared_layers = shared_layers;
    std::vector<llama_drugs_course_point> points;
    for (const auto & [token, ratio] : course) {
        points.push_back({ token, ratio });
    }
    params.course       = points.empty() ? nullptr : points.data();
    params.n_course     = (int32_t) points.size();
    params.course_start = course_start;

    check_status(sequence_name(seq_id), llama_drugs_set(ctx, seq_id, &params));
}

static py::object get_dose(uintptr_t address, llama_seq_id seq_id) {
    llama_drugs_params params;
    const int32_t status = llama_drugs_get(as_context(address), seq_id, &params);
    check_status(sequence_name(seq_id), status);
    if (status == LLAMA_DRUGS_SOBER) {
        return py::none();
    }
    py::array_t<float> table({ (py::ssize_t) params.n_layer, (py::ssize_t) LLAMA_DRUGS_SITE_COUNT });
    std::copy(params.doses, params.doses + table.size(), table.mutable_data());

    py::dict dose;
    dose["table"] = table;
    dose["seed"]  = params.seed;
    dose["sink"]  = params.n_sink;
    dose["start"] = params.start;
    dose["noise"] = drugs_noise_name(params.noise);
    dose["angle"] = drugs_angle_name(params.angle);
    dose["turn"]  = drugs_turn_name(params.turn);
    dose["apart"] = params.apart;
    course_points course;
    for (int32_t i = 0; i < params.n_course; ++i) {
        course.emplace_back(params.course[i].token, params.course[i].ratio);
    }
    dose["course"]       = course;
    dose["course_start"] = params.course_start;
    dose["hold"]  = std::vector<int32_t>(params.hold, params.hold + LLAMA_DRUGS_SITE_COUNT);
    dose["shared_layers"] = params.shared_layers;
    return dose;
}

static void clear_dose(uintptr_t address, llama_seq_id seq_id) {
    check_status(sequence_name(seq_id), llama_drugs_clear(as_context(address), seq_id));
}

static void set_repeatable(uintptr_t address, llama_seq_id seq_id, bool repeatable) {
    check_status(sequence_name(seq_id), llama_drugs_set_repeatable(as_context(address), seq_id, repeatable));
}

static bool can_repeat(uintptr_t address) {
    return llama_drugs_can_repeat(as_context(address)) == 1;
}

static bool repeats_cheaply(uintptr_t address) {
    return llama_drugs_repeats_cheaply(as_context(address)) == 1;
}

static py::array_t<bool> has_sites(uintptr_t address, const std::string & noise) {
    llama_context * ctx = as_context(address);
    const int32_t n_layer = llama_drugs_n_layer(ctx);

    py::array_t<bool> has({ (py::ssize_t) n_layer, (py::ssize_t) LLAMA_DRUGS_SITE_COUNT });
    for (int32_t il = 0; il < n_layer; ++il) {
        for (int32_t site = 0; site < LLAMA_DRUGS_SITE_COUNT; ++site) {
            const int32_t status = llama_drugs_has_site(ctx, il, (llama_drugs_site) site, drugs_noise_of_name(noise));
            check_status("cannot dose", status);
            has.mutable_at(il, site) = status == 1;
        }
    }
    return has;
}

static int32_t n_layer(uintptr_t address) {
    return llama_drugs_n_layer(as_context(address));
}

static std::vector<std::string> site_names() {
    std::vector<std::string> names;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; ++site) {
        names.emplace_back(llama_drugs_site_name((llama_drugs_site) site));
    }
    return names;
}

void bind_dose(py::module_ & m) {
    m.def("set_dose", &set_dose, py::arg("ctx"), py::arg("seq_id"), py::arg("table"), py::arg("seed"), py::arg("sink"),
        py::arg("noise") = "isotropic", py::arg("hold") = py::none(), py::arg("shared_layers") = false, py::arg("angle") = "uniform",
        py::arg("turn") = "rotation", py::arg("apart") = 0, py::arg("course") = py::tuple(), py::arg("course_start") = 0,
        py::arg("start") = 0,
        "Dose a sequence from its next token on.");
    m.def("get_dose", &get_dose, py::arg("ctx"), py::arg("seq_id"),
        "The dose of a sequence, or None if it is sober.");
    m.def("clear_dose", &clear_dose, py::arg("ctx"), py::arg("seq_id"),
        "Make a sequence sober, or all of them with seq_id = -1.");
    m.def("set_repeatable", &set_repeatable, py::arg("ctx"), py::arg("seq_id"), py::arg("repeatable"),
        "Let each token of a sequence, or of all with seq_id = -1, get the same bits in any company.");
    m.def("can_repeat", &can_repeat, py::arg("ctx"),
        "Whether set_repeatable is possible: no other device than the CPU computes.");
    m.def("repeats_cheaply", &repeats_cheaply, py::arg("ctx"),
        "Whether it also takes little time with the types of the model's matrices.");
    m.def("has_sites", &has_sites, py::arg("ctx"), py::arg("noise") = "isotropic",
        "Which layers of the context's model have which sites.");
    m.def("n_layer", &n_layer, py::arg("ctx"),
        "Rows of a dose table for this context.");
    m.def("site_names", &site_names,
        "Names of the columns of a dose table.");
}
