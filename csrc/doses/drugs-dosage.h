// The doses of a run, and the dose table that the model gets: the same as drugs_cpp.DRUGS in Python.

#pragma once

#include "drugs-course.h"
#include "drugs-kinds.h"
#include "drugs-profile.h"

#include "llama-drugs.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// number of first positions that are not dosed by default: attention gives them much of its weight
constexpr int32_t DRUGS_DEFAULT_SINK = 6;

// dirty tokens after which a generation takes a cold shower
constexpr int32_t DRUGS_DEFAULT_SOBER_INTERVAL = 420;

// A dose above this many radians deserves a warning: most models then write nonsense.
constexpr double DRUGS_STRONG_ANGLE = 1.0;

// how a hold for the whole text is written
constexpr const char * DRUGS_HOLD_TEXT = "text";

// how dose_inputs for the last position of a prompt is written
constexpr const char * DRUGS_LAST = "last";

// tokens, by site
using drugs_hold = std::array<int32_t, LLAMA_DRUGS_SITE_COUNT>;

// new numbers for each token at all sites
drugs_hold drugs_fresh();

// which part of a prompt is dosed
enum drugs_inputs {
    DRUGS_INPUTS_NO,   // nothing: the first new token is the sober one
    DRUGS_INPUTS_LAST, // its last position, whose output is the first new token
    DRUGS_INPUTS_YES,  // all of it
};

// Doses, profiles, seed and all other settings of a run. Angles are in radians. The setters throw std::invalid_argument for a value
// that cannot be used; the message names it.
struct drugs_dosage {
    std::array<double,        LLAMA_DRUGS_SITE_COUNT> thetas   = {}; // largest angle at ratio 1 and multiplier 1
    std::array<drugs_profile, LLAMA_DRUGS_SITE_COUNT> shapes   = {}; // how a dose depends on depth

    // Instead of angles, how far the dose moves the probabilities of the next token, in nats. The thetas are then proportions,
    // until a model has found the angles, and `source` says how it did. 0: the thetas are angles.
    double      effect = 0;
    std::string source;

    double            multiplier     = 1.0;
    drugs_kinds       kinds;
    bool              each_apart     = false;              // each of several answers gets its own direction, orthogonal to the others
    drugs_course      course;                              // how the doses depend on time
    drugs_hold        hold           = drugs_fresh();      // tokens for which angle and direction stay at a site; 0: the whole text
    bool              shared_layers  = false;              // all layers use the same numbers
    uint32_t          seed           = LLAMA_DEFAULT_SEED; // LLAMA_DEFAULT_SEED: draw one
    int32_t           n_sink         = DRUGS_DEFAULT_SINK;
    drugs_inputs      dose_inputs    = DRUGS_INPUTS_NO;
    int32_t           sober_interval = DRUGS_DEFAULT_SOBER_INTERVAL;

    // whether other sequences, threads and the split of the prompt change no bit; not set: yes if the run is
    // dosed and the device can do it
    std::optional<bool> repeatable;

    bool sober() const;

    // whether the dose is given by its effect, and no model has found the angles yet
    bool lacks_angles() const { return effect > 0 && source.empty(); }

    // sets what the answer `n` after this one gets: a later seed, or another of the orthogonal directions
    void vary(uint32_t n);

    // the largest angle that any layer can get at a site, at any time
    double largest_angle(llama_drugs_site site) const;

    // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer], the site varies fastest: multiplier * theta * ratio at depth layer / n_layer
    std::vector<float> table(int32_t n_layer) const;

    void set_theta(const std::string & site, double radians);
    void set_effect(const std::string & name);
    void set_effect(double nats);
    void set_shape(const std::string & site, drugs_profile profile); // points in any order
    void set_multiplier(double value);
    void set_noise(const std::string & name);
    void set_angle(const std::string & name);
    void set_turn(const std::string & name);
    void set_apart(double value); // 0: any direction
    void set_each_apart(bool value);
    void set_course(drugs_course course); // points in any order
    void set_hold(const std::string & site, double n_tokens); // empty site: all sites
    void hold_text(const std::string & site);                 // for the whole text
    void set_layers(const std::string & name);                // "own" or "shared"
    void set_seed(double value);
    void set_sink(double value);
    void set_sober_interval(double value);

    // throws if a site gets an angle above LLAMA_DRUGS_MAX_ANGLE, or above `cap` (radians), which a server may set,
    // or if kinds cannot be combined
    void check(double cap) const;

    // a warning about the first site with an angle above DRUGS_STRONG_ANGLE; empty if there is none
    std::string warning() const;
};

llama_drugs_site drugs_site_of_name(const std::string & name);

// The name of the site that differs from a name in upper and lower case only, or "".
std::string drugs_site_like(const std::string & name);
const char *     drugs_layers_name (bool shared);

// a random seed from the operating system, 0 to 2^32 - 2
uint32_t drugs_fresh_seed();

// the seed `n` after this one; 0 follows the largest
uint32_t drugs_later_seed(uint32_t seed, uint32_t n);
