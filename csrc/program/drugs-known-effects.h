// The angles of doses that are given by their effect on a model: as found by `drugs-lab titrate`, otherwise as on other models.

#pragma once

#include "drugs-dosage.h"

#include <mutex>
#include <string>
#include <vector>

// how angles were found: measured on this computer; shipped with the package; estimated from other models
constexpr const char * DRUGS_CALIBRATED = "calibrated";
constexpr const char * DRUGS_TABLE      = "table";
constexpr const char * DRUGS_ESTIMATED  = "estimated";

// a measured dose
struct drugs_known_effect {
    drugs_dosage dosage;
    double       target = 0; // requested nats
    double       nats   = 0; // measured nats
    double       floor  = 0; // nats at a dose close to zero
    double       angle  = 0; // the largest angle of any layer at any site, in radians
    const char * source = "";
};

// What is known about a model. Any thread may resolve doses.
class drugs_known_effects {
public:
    // Path of a GGUF file; nothing is read before the first effect.
    explicit drugs_known_effects(std::string model_path) : model_path(std::move(model_path)) {}

    // Sets the angles of a dose that is given by its effect, and says how they were found. A dose with angles is left unchanged.
    // Throws std::invalid_argument for an angle above a half turn.
    void resolve(drugs_dosage & dosage);

private:
    const std::vector<drugs_known_effect> & known();

    const std::string               model_path;
    std::mutex                      mutex;
    bool                            is_read = false;
    std::vector<drugs_known_effect> effects;
};
