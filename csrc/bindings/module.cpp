#include "bindings.h"
#include "errors.h"

PYBIND11_MODULE(_core, m) {
    m.doc() = "Doses of llama.cpp contexts, decoding and the record of dirty positions in C++, and the random rotations by themselves.";

    translate_errors();

    bind_answers(m);
    bind_attend(m);
    bind_background(m);
    bind_decode(m);
    bind_devices(m);
    bind_dose(m);
    bind_effect(m);
    bind_memory(m);
    bind_profile(m);
    bind_rotate(m);
    bind_sample(m);
    bind_shower(m);
    bind_threads(m);
    bind_trace(m);
    bind_vocab(m);
}
