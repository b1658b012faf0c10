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
        MODE_CEIL,        // the larger ratio of the two
        MODE_FLOOR,       // the smaller one
    };

    struct point {
        double depth;     // layer i of n lies at i / n
        double peakratio; // factor on the dose, 0 or more
    };

    mode_type          mode = MODE_INTERPOLATE;
    std::vector<point> points; // sorted by depth; none: the full dose in every layer

    // the part of the dose that a depth gets; before the first point and after the last one it is that point's own
    double ratio(double depth) const;

    // the largest ratio that any depth can get
    double peak() const;

    // Sorts points, which may come in any order; those at one depth keep theirs. Throws std::invalid_argument: no points, more
    // than DRUGS_MAX_POINTS, a depth that is not finite, or a ratio that is negative or not finite; the message names the
    // shape's site.
    void check(const std::string & site);

    // throws std::invalid_argument: a shape cannot have so many points
    static void check_count(const std::string & site, size_t n_points);
};

// throws std::invalid_argument: unknown
drugs_profile::mode_type drugs_mode_of_name(const std::string & name);

const char * drugs_mode_name(drugs_profile::mode_type mode);
