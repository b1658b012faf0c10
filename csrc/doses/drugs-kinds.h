// Kinds of noise, angle and turn, their names, and which of them can be combined.

#pragma once

#include "llama-drugs.h"

#include <string>

// what is drawn, and what is done with it
struct drugs_kinds {
    llama_drugs_noise noise = LLAMA_DRUGS_NOISE_ISOTROPIC;
    llama_drugs_angle angle = LLAMA_DRUGS_ANGLE_UNIFORM;
    llama_drugs_turn  turn  = LLAMA_DRUGS_TURN_ROTATION;
    int32_t           apart = 0; // n > 0: direction n of a set of orthogonal directions

    // Throws std::invalid_argument for kinds that cannot be combined; dosed: which sites are dosed.
    void check(const bool (&dosed)[LLAMA_DRUGS_SITE_COUNT]) const;
};

// These throw std::invalid_argument for an unknown name; the message lists the known ones.
llama_drugs_noise drugs_noise_of_name(const std::string & name);
llama_drugs_angle drugs_angle_of_name(const std::string & name);
llama_drugs_turn  drugs_turn_of_name (const std::string & name);

const char * drugs_noise_name(llama_drugs_noise noise);
const char * drugs_angle_name(llama_drugs_angle angle);
const char * drugs_turn_name (llama_drugs_turn  turn);
