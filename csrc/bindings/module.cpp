#include "bindings.h"

PYBIND11_MODULE(_core, m) {
    m.doc() = "Doses of llama.cpp contexts, and the random rotation by itself.";

    bind_dose(m);
    bind_rotate(m);
}
