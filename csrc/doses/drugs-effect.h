// A dose by its effect: how far it moves the probabilities of the next token, whatever angle that takes.

#pragma once

#include "llama-drugs.h"

#include <array>
#include <string>

struct drugs_effect_name {
    const char * name;
    double       nats; // mean KL(sober || dosed) of the next token
};

constexpr std::array<drugs_effect_name, 3> DRUGS_EFFECTS = {{ { "mild", 0.01 }, { "medium", 0.05 }, { "strong", 0.2 } }};

// the site for an effect that is given without a site
constexpr llama_drugs_site DRUGS_EFFECT_SITE = LLAMA_DRUGS_SITE_A;

// Nats per squared radian of a small angle, if each layer has the whole dose, by site: of two models together, as printed by
// `python -m benchmarks effects` (docs/effect.md). At K and pK, the two models differ by a factor of 370, and the more sensitive
// one counts. Sites and layers add up.
constexpr std::array<double, LLAMA_DRUGS_SITE_COUNT> DRUGS_NATS = { 0.48, 1.6, 550, 0.17, 0.32, 550, 0.16, 1.0 };

// nats at a dose close to zero, of both models together
constexpr double DRUGS_EFFECT_FLOOR = 0.002;

// "mild, medium, strong"
std::string drugs_effect_names();

// Nats of a name. Throws std::invalid_argument if there is no such name.
double drugs_effect_of_name(const std::string & name);

// The name of an effect, or nullptr if it has none.
const char * drugs_name_of_effect(double nats);

// radians: beyond a right angle, the square law does not hold
constexpr double DRUGS_MAX_ESTIMATE = 1.5707963267948966;

// The angle (radians) with about this effect, by the square law: nats = floor + per_square * angle^2; at most DRUGS_MAX_ESTIMATE.
double drugs_estimated_angle(double effect, double floor, double per_square);
