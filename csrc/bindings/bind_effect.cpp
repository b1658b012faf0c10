// effect_names, effect_site, effect_nats, effect_floor, estimated_angle: doses by their effect, from the
// same source as in the programs.

#include "bindings.h"
#include "drugs-effect.h"

#include "llama-drugs.h"

#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

static std::vector<std::pair<std::string, double>> effect_names() {
    std::vector<std::pair<std::string, double>> names;
    for (const auto & effect : DRUGS_EFFECTS) {
        names.emplace_back(effect.name, effect.nats);
    }
    return names;
}

void bind_effect(py::module_ & m) {
    m.def("effect_names", &effect_names, "Names of effects, and the mean KL(sober || dosed) of the next token that they mean, in nats.");
    m.def("effect_site", [] { return std::string(llama_drugs_site_name(DRUGS_EFFECT_SITE)); }, "Where an effect is sought that comes without a site.");
    m.def("effect_nats", [] { return DRUGS_NATS; }, "Nats for each squared radian of a small angle in all layers, by site, as two models have it.");
    m.def("effect_floor", [] { return DRUGS_EFFECT_FLOOR; }, "Nats under next to no dose, as two quantized models have it.");
    m.def("estimated_angle", &drugs_estimated_angle, py::arg("effect"), py::arg("floor"), py::arg("per_square"),
        "The largest angle (radians) with about this effect (nats), where nats = floor + per_square * angle**2.");
}
