// The Python module drugs_cpp._core. One file per topic; each adds its functions to the module.

#pragma once

#include <pybind11/pybind11.h>

void bind_answers   (pybind11::module_ & m);
void bind_attend    (pybind11::module_ & m);
void bind_background(pybind11::module_ & m);
void bind_decode    (pybind11::module_ & m);
void bind_devices   (pybind11::module_ & m);
void bind_dose      (pybind11::module_ & m);
void bind_effect    (pybind11::module_ & m);
void bind_memory    (pybind11::module_ & m);
void bind_profile   (pybind11::module_ & m);
void bind_rotate    (pybind11::module_ & m);
void bind_sample    (pybind11::module_ & m);
void bind_shower    (pybind11::module_ & m);
void bind_threads   (pybind11::module_ & m);
void bind_trace     (pybind11::module_ & m);
void bind_vocab     (pybind11::module_ & m);
