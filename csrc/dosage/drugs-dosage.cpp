#include "drugs-dosage.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <stdexcept>

static const char * const MODE_NAMES[]  = { "interpolate", "ceil", "floor" };
static const char * const NOISE_NAMES[] = { "isotropic", "reference" };

// the largest seed: the one behind it stands for "draw one"
static const uint32_t MAX_SEED = LLAMA_DEFAULT_SEED - 1;

//
// messages
//

static std::string str(double value) {
    std::ostringstream text;
    text << value;
    return text.str();
}

std::string drugs_shortened(const std::string & text) {
    size_t end = 60;
    if (text.size() <= end) {
        return text;
    }
    while (end > 0 && (text[end] & 0xC0) == 0x80) { // not within a character
        end--;
    }
    return text.substr(0, end) + "...";
}

static std::string quoted(const std::string & name) {
    return "'" + drugs_shortened(name) + "'";
}

static std::string site_names() {
    std::string names;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        names += std::string(site ? ", " : "") + llama_drugs_site_name((llama_drugs_site) site);
    }
    return names;
}

double drugs_not_negative(const std::string & what, double value) {
    if (!(std::isfinite(value) && value >= 0)) {
        throw std::invalid_argument(what + " is " + str(value) + ": give a finite number, zero or more");
    }
    return std::abs(value); // -0.0 is zero
}

static int32_t count(const std::string & what, double value, int32_t least) {
    if (!(value >= least && value <= std::numeric_limits<int32_t>::max() && value == std::floor(value))) {
        throw std::invalid_argument(what + " is " + str(value) + ": give a whole number of tokens, " + str(least) + " or more");
    }
    return (int32_t) value;
}

//
// names
//

llama_drugs_site drugs_site_of_name(const std::string & name) {
    std::string near;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const std::string known = llama_drugs_site_name((llama_drugs_site) site);
        if (known == name) {
            return (llama_drugs_site) site;
        }
        const auto same = [](char a, char b) { return std::tolower((unsigned char) a) == std::tolower((unsigned char) b); };
        if (std::equal(known.begin(), known.end(), name.begin(), name.end(), same)) {
            near = " (did you mean '" + known + "'?)";
        }
    }
    throw std::invalid_argument("unknown site " + quoted(name) + near + ": the sites are " + site_names());
}

drugs_profile::mode_type drugs_mode_of_name(const std::string & name) {
    for (int mode = drugs_profile::MODE_INTERPOLATE; mode <= drugs_profile::MODE_FLOOR; mode++) {
        if (name == MODE_NAMES[mode]) {
            return (drugs_profile::mode_type) mode;
        }
    }
    throw std::invalid_argument("unknown mode " + quoted(name) + ": the modes are interpolate, ceil, floor");
}

const char * drugs_mode_name(drugs_profile::mode_type mode) {
    return MODE_NAMES[mode];
}

const char * drugs_noise_name(llama_drugs_noise noise) {
    return NOISE_NAMES[noise];
}

//
// profiles
//

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
    const double way = (depth - low->depth) / (high->depth - low->depth);
    return low->peakratio + way * (high->peakratio - low->peakratio);
}

double drugs_profile::peak() const {
    double peak = points.empty() ? 1.0 : 0.0;
    for (const point & p : points) {
        peak = std::max(peak, p.peakratio);
    }
    return peak;
}

//
// dosages
//

double drugs_dosage::largest_angle(llama_drugs_site site) const {
    return multiplier * thetas[site] * profiles[site].peak();
}

bool drugs_dosage::sober() const {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (largest_angle((llama_drugs_site) site) > 0) {
            return false;
        }
    }
    return true;
}

std::vector<float> drugs_dosage::table(int32_t n_layer) const {
    std::vector<float> table((size_t) n_layer * LLAMA_DRUGS_SITE_COUNT);
    for (int32_t layer = 0; layer < n_layer; layer++) {
        for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
            const double ratio = profiles[site].ratio((double) layer / n_layer);
            table[(size_t) layer * LLAMA_DRUGS_SITE_COUNT + site] = (float) (multiplier * thetas[site] * ratio);
        }
    }
    return table;
}

void drugs_dosage::set_theta(const std::string & site, double radians) {
    const auto of = drugs_site_of_name(site);
    thetas[of] = drugs_not_negative("the dose at " + site + " (radians)", radians);
}

void drugs_dosage::set_profile(const std::string & site, drugs_profile profile) {
    const auto of = drugs_site_of_name(site);
    if (profile.points.empty()) {
        throw std::invalid_argument("the shape of " + site + " has no points: give one at least, or leave the shape out");
    }
    for (auto & point : profile.points) {
        if (!std::isfinite(point.depth)) {
            throw std::invalid_argument("a depth in the shape of " + site + " is " + str(point.depth) + ": give a finite number");
        }
        point.peakratio = drugs_not_negative("a ratio in the shape of " + site, point.peakratio);
    }
    std::stable_sort(profile.points.begin(), profile.points.end(),
            [](const drugs_profile::point & a, const drugs_profile::point & b) { return a.depth < b.depth; });
    profiles[of] = std::move(profile);
}

void drugs_dosage::set_multiplier(double value) {
    multiplier = drugs_not_negative("the dose multiplier", value);
}

void drugs_dosage::set_noise(const std::string & name) {
    for (const auto kind : { LLAMA_DRUGS_NOISE_ISOTROPIC, LLAMA_DRUGS_NOISE_REFERENCE }) {
        if (name == NOISE_NAMES[kind]) {
            noise = kind;
            return;
        }
    }
    throw std::invalid_argument("unknown noise " + quoted(name) + ": the kinds are isotropic, reference");
}

void drugs_dosage::set_seed(double value) {
    const bool fresh = value == -1 || value == (double) LLAMA_DEFAULT_SEED; // both mean that upstream
    if (!fresh && !(value >= 0 && value <= MAX_SEED && value == std::floor(value))) {
        throw std::invalid_argument("the dose seed is " + str(value) + ": give a whole number from 0 to " +
                std::to_string(MAX_SEED) + ", or -1 for a fresh one");
    }
    seed = fresh ? LLAMA_DEFAULT_SEED : (uint32_t) value;
}

void drugs_dosage::set_sink(double value) {
    n_sink = count("the dose sink", value, 0);
}

void drugs_dosage::set_sober_interval(double value) {
    sober_interval = count("the sober interval", value, 1);
}

void drugs_dosage::check_angles(double cap) const {
    const double most = std::numeric_limits<float>::max(); // a table holds floats
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const double angle = largest_angle((llama_drugs_site) site);
        const std::string name = llama_drugs_site_name((llama_drugs_site) site);
        if (!(angle <= most)) {
            throw std::invalid_argument("the dose at " + name + " reaches " + str(angle) + " radians: lower it");
        }
        if (angle > cap) {
            throw std::invalid_argument("the dose at " + name + " reaches " + str(angle) +
                    " radians: this server allows " + str(cap) + " at most");
        }
    }
}

//
// seeds
//

uint32_t drugs_fresh_seed() {
    static thread_local std::random_device device;
    return std::uniform_int_distribution<uint32_t>(0, MAX_SEED)(device);
}

uint32_t drugs_later_seed(uint32_t seed, uint32_t n) {
    return (uint32_t) (((uint64_t) seed + n) % LLAMA_DEFAULT_SEED);
}
