#include "bindings.h"

PYBIND11_MODULE(_core, m) {
    m.doc() = "Doses of llama.cpp contexts, decoding in C++, and the random rotations by themselves.";

    bind_attend(m);
    bind_decode(m);
    bind_devices(m);
    bind_dose(m);
    bind_memory(m);
    bind_rotate(m);
}
