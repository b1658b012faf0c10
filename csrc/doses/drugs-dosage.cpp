#include "drugs-dosage.h"

#include "drugs-messages.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

static const char * const NOISE_NAMES[] = { "isotropic", "reference" };

// the largest seed: the number after it stands for "draw one"
static const uint32_t MAX_SEED = LLAMA_DEFAULT_SEED - 1;

//
// names
//

static std::string site_names() {
    std::string names;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        names += std::string(site ? ", " : "") + llama_drugs_site_name((llama_drugs_site) site);
    }
    return names;
}

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
    throw std::invalid_argument("unknown site " + drugs_quoted(name) + near + ": the sites are " + site_names());
}

const char * drugs_noise_name(llama_drugs_noise noise) {
    return NOISE_NAMES[noise];
}

//
// dosages
//

static int32_t count(const std::string & what, double value, int32_t least) {
    if (!(value >= least && value <= std::numeric_limits<int32_t>::max() && value == std::floor(value))) {
        throw std::invalid_argument(what + " is " + drugs_number(value) + ": give a whole number of tokens, " + drugs_number(least) + " or more");
    }
    return (int32_t) value;
}

double drugs_dosage::largest_angle(llama_drugs_site site) const {
    return multiplier * thetas[site] * shapes[site].peak();
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
            const double ratio = shapes[site].ratio((double) layer / n_layer);
            table[(size_t) layer * LLAMA_DRUGS_SITE_COUNT + site] = (float) (multiplier * thetas[site] * ratio);
        }
    }
    return table;
}

void drugs_dosage::set_theta(const std::string & site, double radians) {
    const auto of = drugs_site_of_name(site);
    thetas[of] = drugs_not_negative("the dose at " + site + " (radians)", radians);
}

void drugs_dosage::set_shape(const std::string & site, drugs_profile profile) {
    const auto of = drugs_site_of_name(site);
    profile.check(site);
    shapes[of] = std::move(profile);
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
    throw std::invalid_argument("unknown noise " + drugs_quoted(name) + ": the kinds are isotropic, reference");
}

void drugs_dosage::set_seed(double value) {
    const bool fresh = value == -1 || value == (double) LLAMA_DEFAULT_SEED; // both mean that upstream
    if (!fresh && !(value >= 0 && value <= MAX_SEED && value == std::floor(value))) {
        throw std::invalid_argument("the dose seed is " + drugs_number(value) + ": give a whole number from 0 to " +
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
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const double angle = largest_angle((llama_drugs_site) site);
        const std::string name = llama_drugs_site_name((llama_drugs_site) site);
        if (!(angle <= LLAMA_DRUGS_MAX_ANGLE)) {
            throw std::invalid_argument("the dose at " + name + " reaches " + drugs_number(angle) +
                    " radians: pi, a half turn, is the most; lower it");
        }
        if (angle > cap) {
            throw std::invalid_argument("the dose at " + name + " reaches " + drugs_number(angle) +
                    " radians: this server allows " + drugs_number(cap) + " at most");
        }
    }
}

std::string drugs_dosage::warning() const {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const double angle = largest_angle((llama_drugs_site) site);
        if (angle > DRUGS_STRONG_ANGLE) {
            return std::string("the dose at ") + llama_drugs_site_name((llama_drugs_site) site) + " reaches " + drugs_number(angle) +
                    " radians: above " + drugs_number(DRUGS_STRONG_ANGLE) + " most models write nonsense";
        }
    }
    return "";
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
