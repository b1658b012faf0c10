#include "drugs-profile.h"

#include "drugs-messages.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

static const char * const MODE_NAMES[] = { "interpolate", "ceil", "floor" };

double drugs_profile::ratio(double depth) const {
    if (points.empty()) {
        return 1.0;
    }
    if (depth <= points.front().depth) {
        return points.front().peakratio;
    }
    if (depth >= points.back().depth) {
        return points.back().peakratio;
    }
    const auto high = std::find_if(points.begin() + 1, points.end(), [&](const point & p) { return depth <= p.depth; });
    const auto low  = high - 1;
    switch (mode) {
        case MODE_CEIL:  return std::max(low->peakratio, high->peakratio);
        case MODE_FLOOR: return std::min(low->peakratio, high->peakratio);
        case MODE_INTERPOLATE: break;
    }
    const double scale = std::isinf(high->depth - low->depth) ? 0.5 : 1.0; // the distance of points that are very far apart is not a number
    const double way = (depth*scale - low->depth*scale) / (high->depth*scale - low->depth*scale);
    return low->peakratio + way * (high->peakratio - low->peakratio);
}

double drugs_profile::peak() const {
    double peak = points.empty() ? 1.0 : 0.0;
    for (const point & p : points) {
        peak = std::max(peak, p.peakratio);
    }
    return peak;
}

void drugs_profile::check_count(const std::string & site, size_t n_points) {
    if (n_points == 0) {
        throw std::invalid_argument("the shape of " + site + " has no points: give one at least, or leave the shape out");
    }
    if (n_points > DRUGS_MAX_POINTS) {
        throw std::invalid_argument("the shape of " + site + " has " + std::to_string(n_points) + " points: give " +
                std::to_string(DRUGS_MAX_POINTS) + " at most");
    }
}

void drugs_profile::check(const std::string & site) {
    check_count(site, points.size());
    for (point & p : points) {
        if (!std::isfinite(p.depth)) {
            throw std::invalid_argument("a depth in the shape of " + site + " is " + drugs_number(p.depth) + ": give a finite number");
        }
        p.peakratio = drugs_not_negative("a ratio in the shape of " + site, p.peakratio);
    }
    std::stable_sort(points.begin(), points.end(), [](const point & a, const point & b) { return a.depth < b.depth; });
}

drugs_profile::mode_type drugs_mode_of_name(const std::string & name) {
    for (int mode = drugs_profile::MODE_INTERPOLATE; mode <= drugs_profile::MODE_FLOOR; mode++) {
        if (name == MODE_NAMES[mode]) {
            return (drugs_profile::mode_type) mode;
        }
    }
    throw std::invalid_argument("unknown mode " + drugs_quoted(name) + ": the modes are interpolate, ceil, floor");
}

const char * drugs_mode_name(drugs_profile::mode_type mode) {
    return MODE_NAMES[mode];
}
