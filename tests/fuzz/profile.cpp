// Shapes: points with any numbers at all, and what a depth gets of them.

#include "check.h"
#include "drugs-profile.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

static const drugs_profile::mode_type MODES[] = { drugs_profile::MODE_INTERPOLATE, drugs_profile::MODE_CEIL, drugs_profile::MODE_FLOOR };

// A mode, how often the points come, and the points: two numbers of 8 bytes each.
static drugs_profile read_profile(const uint8_t * data, size_t size) {
    drugs_profile profile;
    if (size < 2) {
        return profile;
    }
    profile.mode = MODES[data[0] % std::size(MODES)];
    const size_t n_points = std::min<size_t>((size - 2) / 16, DRUGS_MAX_POINTS);
    for (int time = 0; time <= data[1] && profile.points.size() <= DRUGS_MAX_POINTS; time++) {
        for (size_t i = 0; i < n_points; i++) {
            double numbers[2];
            memcpy(numbers, data + 2 + i*16, 16);
            profile.points.push_back({ numbers[0], numbers[1] });
        }
    }
    return profile;
}

static bool is_usable(const drugs_profile & profile) {
    return !profile.points.empty() && profile.points.size() <= DRUGS_MAX_POINTS &&
        std::all_of(profile.points.begin(), profile.points.end(), [](const drugs_profile::point & p) {
            return std::isfinite(p.depth) && std::isfinite(p.peakratio) && p.peakratio >= 0;
        });
}

// where something could change: at the points, just beside them, between them, and at the ends of what there is
static std::vector<double> depths_of(const drugs_profile & profile) {
    const double inf = std::numeric_limits<double>::infinity();
    std::vector<double> depths = { 0.0, 1.0/3, 0.5, 29.0/30, 1.0, -1e308, 1e308, -inf, inf };
    const size_t n = profile.points.size();
    for (size_t i = 0; i < n; i += 1 + n/16) {
        const double depth = profile.points[i].depth;
        depths.insert(depths.end(), { depth, std::nextafter(depth, -inf), std::nextafter(depth, inf) });
        if (i + 1 < n) {
            depths.push_back(depth/2 + profile.points[i + 1].depth/2);
        }
    }
    return depths;
}

static double ratio_in(drugs_profile profile, drugs_profile::mode_type mode, double depth) {
    profile.mode = mode;
    return profile.ratio(depth);
}

static void check_ratios(const drugs_profile & profile) {
    const auto less = [](const drugs_profile::point & a, const drugs_profile::point & b) { return a.peakratio < b.peakratio; };
    const double least = std::min_element(profile.points.begin(), profile.points.end(), less)->peakratio;
    const double most  = profile.peak();
    const double rounding = most*1e-15;
    for (const double depth : depths_of(profile)) {
        const double on_line = ratio_in(profile, drugs_profile::MODE_INTERPOLATE, depth);
        const double larger  = ratio_in(profile, drugs_profile::MODE_CEIL,        depth);
        const double smaller = ratio_in(profile, drugs_profile::MODE_FLOOR,       depth);
        FUZZ_CHECK(least <= smaller && smaller <= larger && larger <= most);
        FUZZ_CHECK(on_line >= 0 && smaller - rounding <= on_line && on_line <= larger + rounding);
    }
}

// The order of points at different depths does not matter.
static void check_order(const drugs_profile & profile) {
    for (size_t i = 1; i < profile.points.size(); i++) {
        if (!(profile.points[i - 1].depth < profile.points[i].depth)) {
            return;
        }
    }
    drugs_profile other = profile;
    std::reverse(other.points.begin(), other.points.end());
    other.check("A");
    for (size_t i = 0; i < profile.points.size(); i++) {
        FUZZ_CHECK(other.points[i].depth     == profile.points[i].depth);
        FUZZ_CHECK(other.points[i].peakratio == profile.points[i].peakratio);
    }
}

static void check_mode_name(const std::string & name) {
    drugs_profile::mode_type mode = drugs_profile::MODE_INTERPOLATE;
    if (fuzz_accepts([&] { mode = drugs_mode_of_name(name); })) {
        FUZZ_CHECK(drugs_mode_name(mode) == name);
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size) {
    check_mode_name({ (const char *) data, size });
    drugs_profile profile = read_profile(data, size);
    const bool usable = is_usable(profile);
    FUZZ_CHECK(fuzz_accepts([&] { profile.check("A"); }) == usable);
    if (usable) {
        const auto less = [](const drugs_profile::point & a, const drugs_profile::point & b) { return a.depth < b.depth; };
        FUZZ_CHECK(std::is_sorted(profile.points.begin(), profile.points.end(), less));
        check_ratios(profile);
        check_order(profile);
    }
    return 0;
}
