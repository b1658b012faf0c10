// default_threads: the number of compute threads if the user gives none.

#include "bindings.h"

#include "default-threads.h"

#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <vector>

namespace py = pybind11;

static int32_t default_threads(const std::string & root, const std::optional<std::vector<int>> & processors) {
    return processors ? drugs_default_threads(root, *processors) : drugs_default_threads();
}

void bind_threads(py::module_ & m) {
    m.def("default_threads", &default_threads, py::arg("root") = "", py::arg("processors") = py::none(),
        "How many threads compute where nobody says.");
}
