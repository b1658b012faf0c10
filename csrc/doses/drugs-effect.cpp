#include "drugs-effect.h"

#include "drugs-messages.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

std::string drugs_effect_names() {
    std::string names;
    for (const auto & effect : DRUGS_EFFECTS) {
        names += (names.empty() ? "" : ", ") + std::string(effect.name);
    }
    return names;
}

double drugs_effect_of_name(const std::string & name) {
    for (const auto & effect : DRUGS_EFFECTS) {
        if (name == effect.name) {
            return effect.nats;
        }
    }
    throw std::invalid_argument("unknown effect " + drugs_quoted(name) + ": give " + drugs_effect_names() + ", or a number of nats such as 0.05");
}

const char * drugs_name_of_effect(double nats) {
    for (const auto & effect : DRUGS_EFFECTS) {
        if (nats == effect.nats) {
            return effect.name;
        }
    }
    return nullptr;
}

double drugs_estimated_angle(double effect, double floor, double per_square) {
    return std::min(DRUGS_MAX_ESTIMATE, std::sqrt(std::max(effect - floor, effect/2)/per_square));
}
