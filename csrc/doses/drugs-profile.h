// How a dose depends on depth: a few points, and how the layers between two of them are filled in.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

// more points than any model has layers; a request must not take long to check
constexpr size_t DRUGS_MAX_POINTS = 1000;

struct drugs_profile {
    enum mode_type {
        MODE_INTERPOLATE, // on the straight line between two points
        MODE_CEIL,        // the larger of the two ratios
        MODE_FLOOR,       // the smaller of the two ratios
    };

    struct point {
        double depth;     // layer i of n lies at i / n
        double peakratio; // factor on the dose, 0 or more
    };

    mode_type          mode = MODE_INTERPOLATE;
    std::vector<point> points; // sorted by depth; none: the full dose in every layer

    // the part of the dose that a depth gets; before the first point and after the last one, it is that of the point
    double ratio(double depth) const;

    // the largest ratio that any depth can get
    double peak() const;

    // Sorts points, which may come in any order; points at the same depth keep theirs. Throws std::invalid_argument if there
    // are no points or more than DRUGS_MAX_POINTS, if a depth is not finite, or if a ratio is negative or not finite; the
    // message names the site of the shape.
    void check(const std::string & site);

    // throws std::invalid_argument if a shape cannot have this many points
    static void check_count(const std::string & site, size_t n_points);
};

// throws std::invalid_argument if the name is unknown
drugs_profile::mode_type drugs_mode_of_name(const std::string & name);

const char * drugs_mode_name(drugs_profile::mode_type mode);
