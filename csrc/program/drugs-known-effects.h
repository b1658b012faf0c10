// The angles of doses by their effect on a model: as `drugs-lab titrate` found them, and else as other models have them.

#pragma once

#include "drugs-dosage.h"

#include <mutex>
#include <string>
#include <vector>

// how angles were found: measured on this computer; shipped with the package; from what other models do
constexpr const char * DRUGS_CALIBRATED = "calibrated";
constexpr const char * DRUGS_TABLE      = "table";
constexpr const char * DRUGS_ESTIMATED  = "estimated";

// a dose that was measured
struct drugs_known_effect {
    drugs_dosage dosage;
    double       target = 0; // nats that were wanted
    double       nats   = 0; // that were measured
    double       floor  = 0; // under next to no dose
    double       angle  = 0; // the largest of any layer at any site, radians
    const char * source = "";
};

// What is known of a model. Any thread may resolve doses.
class drugs_known_effects {
public:
    // Path of a GGUF file; nothing is read before the first effect.
    explicit drugs_known_effects(std::string model_path) : model_path(std::move(model_path)) {}

    // Gives a dose by its effect its angles, and says how they were found. A dose with angles stays as it is.
    // Throws std::invalid_argument: an angle above a half turn.
    void resolve(drugs_dosage & dosage);

private:
    const std::vector<drugs_known_effect> & known();

    const std::string               model_path;
    std::mutex                      mutex;
    bool                            is_read = false;
    std::vector<drugs_known_effect> effects;
};
