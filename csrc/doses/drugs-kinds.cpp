#include "drugs-kinds.h"

#include "drugs-messages.h"

#include <stdexcept>

static const char * const NOISE_NAMES[] = { "isotropic", "reference" };
static const char * const ANGLE_NAMES[] = { "uniform", "half-normal", "fixed" };
static const char * const TURN_NAMES [] = { "rotation", "addition", "nlerp", "elementwise" };

template <size_t n>
static int kind_of_name(const char * what, const char * const (&names)[n], const std::string & name) {
    std::string known;
    for (size_t i = 0; i < n; i++) {
        if (name == names[i]) {
            return (int) i;
        }
        known += std::string(i ? ", " : "") + names[i];
    }
    throw std::invalid_argument(std::string("unknown ") + what + " " + drugs_quoted(name) + ": the kinds are " + known);
}

llama_drugs_noise drugs_noise_of_name(const std::string & name) {
    return (llama_drugs_noise) kind_of_name("noise", NOISE_NAMES, name);
}

llama_drugs_angle drugs_angle_of_name(const std::string & name) {
    return (llama_drugs_angle) kind_of_name("angle", ANGLE_NAMES, name);
}

llama_drugs_turn drugs_turn_of_name(const std::string & name) {
    return (llama_drugs_turn) kind_of_name("turn", TURN_NAMES, name);
}

const char * drugs_noise_name(llama_drugs_noise noise) { return NOISE_NAMES[noise]; }
const char * drugs_angle_name(llama_drugs_angle angle) { return ANGLE_NAMES[angle]; }
const char * drugs_turn_name (llama_drugs_turn  turn)  { return TURN_NAMES [turn];  }

void drugs_kinds::check(const bool (&dosed)[LLAMA_DRUGS_SITE_COUNT]) const {
    const bool cached      = dosed[LLAMA_DRUGS_SITE_K] || dosed[LLAMA_DRUGS_SITE_V];
    const bool reference   = noise == LLAMA_DRUGS_NOISE_REFERENCE;
    const bool elementwise = turn  == LLAMA_DRUGS_TURN_ELEMENTWISE;
    if (elementwise && (reference || angle != LLAMA_DRUGS_ANGLE_UNIFORM)) {
        throw std::invalid_argument("turn elementwise draws its own numbers: leave noise and angle out");
    }
    if (elementwise && cached) {
        throw std::invalid_argument("turn elementwise is not possible at K and V: dose pK and pV instead");
    }
    if (turn != LLAMA_DRUGS_TURN_ROTATION && reference && cached) {
        throw std::invalid_argument(std::string("turn ") + drugs_turn_name(turn) + " is not possible at K and V with noise reference: "
                "use noise isotropic, or dose pK and pV instead");
    }
    if (apart > 0 && (reference || elementwise)) {
        throw std::invalid_argument("apart has directions of its own: leave noise reference and turn elementwise out");
    }
    if (apart > 0 && cached) {
        throw std::invalid_argument("apart is not possible at K and V, which draw no directions: dose pK and pV instead");
    }
}
