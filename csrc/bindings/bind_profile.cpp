// profile_ratio, course_points, dose_table: the arithmetic of doses, from the same source as in the programs.

#include "bindings.h"
#include "drugs-dosage.h"
#include "errors.h"

#include "random-rotate-math.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace py = pybind11;

using profile_points = std::vector<std::pair<double, double>>; // depth, ratio

static drugs_profile profile_of(const profile_points & points, const std::string & mode, const std::string & site) {
    drugs_profile profile;
    profile.mode = drugs_mode_of_name(mode);
    for (const auto & [depth, ratio] : points) {
        profile.points.push_back({ depth, ratio });
    }
    profile.check(site);
    return profile;
}

static double profile_ratio(const profile_points & points, const std::string & mode, double depth) {
    if (std::isnan(depth)) {
        throw drugs_error(error_kind::dose, "the depth is not a number: 0 is the first layer, 1 after the last");
    }
    return profile_of(points, mode, "the profile").ratio(depth);
}

static std::string site_of_column(int column) {
    if (column < 0 || column >= LLAMA_DRUGS_SITE_COUNT) {
        throw drugs_error(error_kind::dose, "there is no site " + std::to_string(column) + ": they go from 0 to " + std::to_string(LLAMA_DRUGS_SITE_COUNT - 1));
    }
    return llama_drugs_site_name((llama_drugs_site) column);
}

static py::array_t<float> dose_table(const std::vector<double> & thetas, const std::map<int, std::pair<profile_points, std::string>> & profiles,
        double multiplier, int32_t n_layer) {
    if (thetas.size() != LLAMA_DRUGS_SITE_COUNT) {
        throw drugs_error(error_kind::dose, std::to_string(thetas.size()) + " angles were given: there are " +
            std::to_string((int) LLAMA_DRUGS_SITE_COUNT) + " sites");
    }
    if (n_layer < 1 || n_layer > RANDOM_ROTATE_MAX_LAYERS) {
        throw drugs_error(error_kind::dose, "n_layer is " + std::to_string(n_layer) + ": a model has 1 to " +
            std::to_string(RANDOM_ROTATE_MAX_LAYERS) + " layers");
    }
    drugs_dosage dosage;
    dosage.set_multiplier(multiplier);
    for (int column = 0; column < LLAMA_DRUGS_SITE_COUNT; ++column) {
        dosage.set_theta(site_of_column(column), thetas[column]);
    }
    for (const auto & [column, profile] : profiles) {
        const std::string site = site_of_column(column);
        dosage.shapes[column] = profile_of(profile.first, profile.second, site);
    }
    const std::vector<float> values = dosage.table(n_layer);
    py::array_t<float> table({ (py::ssize_t) n_layer, (py::ssize_t) LLAMA_DRUGS_SITE_COUNT });
    std::copy(values.begin(), values.end(), table.mutable_data());
    return table;
}

static std::vector<std::pair<int32_t, float>> points_of_course(const profile_points & points, const std::string & mode) {
    drugs_course course;
    course.profile.mode = drugs_mode_of_name(mode);
    for (const auto & [token, ratio] : points) {
        course.profile.points.push_back({ token, ratio });
    }
    course.check();
    std::vector<std::pair<int32_t, float>> result;
    for (const auto & point : course.points()) {
        result.emplace_back(point.token, point.ratio);
    }
    return result;
}

void bind_profile(py::module_ & m) {
    m.def("course_points", &points_of_course, py::arg("points"), py::arg("mode"),
        "Points between which a course is straight.");
    m.def("profile_ratio", &profile_ratio, py::arg("points"), py::arg("mode"), py::arg("depth"),
        "The part of a dose that a depth gets.");
    m.def("dose_table", &dose_table, py::arg("thetas"), py::arg("profiles"), py::arg("multiplier"), py::arg("n_layer"),
        "Largest angle of each layer and site.");
}
