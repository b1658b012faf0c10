#include "drugs-dosage.h"

#include "drugs-effect.h"
#include "drugs-messages.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

// the largest seed: the next number stands for "draw one"
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

std::string drugs_site_like(const std::string & name) {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const std::string known = llama_drugs_site_name((llama_drugs_site) site);
        const auto same = [](char a, char b) { return std::tolower((unsigned char) a) == std::tolower((unsigned char) b); };
        if (std::equal(known.begin(), known.end(), name.begin(), name.end(), same)) {
            return known;
        }
    }
    return "";
}

llama_drugs_site drugs_site_of_name(const std::string & name) {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (name == llama_drugs_site_name((llama_drugs_site) site)) {
            return (llama_drugs_site) site;
        }
    }
    const std::string meant = drugs_site_like(name);
    const std::string hint  = meant.empty() ? "" : " (did you mean '" + meant + "'?)";
    throw std::invalid_argument("unknown site " + drugs_quoted(name) + hint + ": the sites are " + site_names());
}

const char * drugs_layers_name(bool shared) {
    return shared ? "shared" : "own";
}

drugs_hold drugs_fresh() {
    drugs_hold hold;
    hold.fill(1);
    return hold;
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
    return multiplier * thetas[site] * shapes[site].peak() * course.peak();
}

bool drugs_dosage::sober() const {
    const bool has_site = std::any_of(thetas.begin(), thetas.end(), [](double theta) { return theta > 0; });
    if (lacks_angles() && !has_site) { // the usual site is dosed
        return multiplier * shapes[DRUGS_EFFECT_SITE].peak() * course.peak() == 0;
    }
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

void drugs_dosage::set_effect(const std::string & name) {
    effect = drugs_effect_of_name(name);
    source.clear();
}

void drugs_dosage::set_effect(double nats) {
    if (!(nats > 0 && std::isfinite(nats))) {
        throw std::invalid_argument("the effect is " + drugs_number(nats) + " nats: give " + drugs_effect_names() +
                ", or more than 0 nats, such as 0.05");
    }
    effect = nats;
    source.clear();
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
    kinds.noise = drugs_noise_of_name(name);
}

void drugs_dosage::set_angle(const std::string & name) {
    kinds.angle = drugs_angle_of_name(name);
}

void drugs_dosage::set_turn(const std::string & name) {
    kinds.turn = drugs_turn_of_name(name);
}

void drugs_dosage::set_apart(double value) {
    if (!(value >= 0 && value <= std::numeric_limits<int32_t>::max() && value == std::floor(value))) {
        throw std::invalid_argument("apart is " + drugs_number(value) + ": give the number of a direction, 1 to 2147483647, or 0 for any");
    }
    kinds.apart = (int32_t) value;
}

void drugs_dosage::set_each_apart(bool value) {
    each_apart  = value;
    kinds.apart = value ? 1 : 0;
}

void drugs_dosage::vary(uint32_t n) {
    if (each_apart) {
        kinds.apart += (int32_t) n;
    } else {
        seed = drugs_later_seed(seed, n);
    }
}

void drugs_dosage::set_course(drugs_course value) {
    value.check();
    course = std::move(value);
}

static void hold_at(drugs_hold & hold, const std::string & site, int32_t n_tokens) {
    if (site.empty()) {
        hold.fill(n_tokens);
    } else {
        hold[drugs_site_of_name(site)] = n_tokens;
    }
}

void drugs_dosage::set_hold(const std::string & site, double n_tokens) {
    if (!(n_tokens >= 1 && n_tokens <= std::numeric_limits<int32_t>::max() && n_tokens == std::floor(n_tokens))) {
        throw std::invalid_argument("the hold" + (site.empty() ? "" : " of " + site) + " is " + drugs_number(n_tokens) +
                ": give a whole number of tokens, 1 to 2147483647, or \"text\"");
    }
    hold_at(hold, site, (int32_t) n_tokens);
}

void drugs_dosage::hold_text(const std::string & site) {
    hold_at(hold, site, 0);
}

void drugs_dosage::set_layers(const std::string & name) {
    if (name != drugs_layers_name(true) && name != drugs_layers_name(false)) {
        throw std::invalid_argument("unknown layers " + drugs_quoted(name) + ": they are own or shared");
    }
    shared_layers = name == drugs_layers_name(true);
}

void drugs_dosage::set_seed(double value) {
    const bool fresh = value == -1 || value == (double) LLAMA_DEFAULT_SEED; // upstream uses both for this
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

void drugs_dosage::check(double cap) const {
    const bool has_angles = !lacks_angles();
    bool dosed[LLAMA_DRUGS_SITE_COUNT];
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const double angle = largest_angle((llama_drugs_site) site);
        const std::string name = llama_drugs_site_name((llama_drugs_site) site);
        if (has_angles && !(angle <= LLAMA_DRUGS_MAX_ANGLE)) {
            throw std::invalid_argument("the dose at " + name + " reaches " + drugs_number(angle) +
                    " radians: pi, a half turn, is the most; lower it");
        }
        if (has_angles && angle > cap) {
            throw std::invalid_argument("the dose at " + name + " reaches " + drugs_number(angle) +
                    " radians: this server allows " + drugs_number(cap) + " at most");
        }
        dosed[site] = angle > 0;
    }
    kinds.check(dosed);
}

std::string drugs_dosage::warning() const {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const double angle = largest_angle((llama_drugs_site) site);
        if (!lacks_angles() && angle > DRUGS_STRONG_ANGLE) {
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
