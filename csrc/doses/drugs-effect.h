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

// where an effect is sought that comes without a site
constexpr llama_drugs_site DRUGS_EFFECT_SITE = LLAMA_DRUGS_SITE_A;

// Nats for each squared radian of a small angle, where each layer has the whole dose, by site: of two models together, as
// `python -m benchmarks effects` prints them (docs/effect.md). At K and pK these differ by a factor of 370, and the more sensitive one
// counts. Sites and layers add up.
constexpr std::array<double, LLAMA_DRUGS_SITE_COUNT> DRUGS_NATS = { 0.48, 1.6, 550, 0.17, 0.32, 550, 0.16, 1.0 };

// nats under next to no dose, of both files together
constexpr double DRUGS_EFFECT_FLOOR = 0.002;

// "mild, medium, strong"
std::string drugs_effect_names();

// Nats of a name. Throws std::invalid_argument: there is no such name.
double drugs_effect_of_name(const std::string & name);

// The name of an effect; nullptr: it has none.
const char * drugs_name_of_effect(double nats);

// radians: further than a right angle the square law is nothing to go by
constexpr double DRUGS_MAX_ESTIMATE = 1.5707963267948966;

// The largest angle (radians) with about this effect, by the square law: nats = floor + per_square * angle^2; DRUGS_MAX_ESTIMATE where
// it would be larger.
double drugs_estimated_angle(double effect, double floor, double per_square);
