// The course of a dose: how it goes up and down with the tokens of an answer, as a profile does with depth.

#pragma once

#include "drugs-profile.h"

#include "llama-drugs.h"

#include <string>
#include <vector>

// a profile over tokens: depth is the number of the token, from the first new one of an answer on, which is 0
struct drugs_course {
    drugs_profile profile; // no points: the full dose all the time

    bool   empty() const { return profile.points.empty(); }
    double peak()  const { return profile.peak(); }

    // Points for the engine, on straight lines between which each token has what the profile says; tokens grow.
    std::vector<llama_drugs_course_point> points() const;

    // Sorts points, which may come in any order. Throws std::invalid_argument: none, or more than DRUGS_MAX_POINTS; a token that is not
    // a whole number, 0 or more, or is there twice; a ratio that is negative or not finite.
    void check();

    // throws std::invalid_argument: a course cannot have so many points
    static void check_count(size_t n_points);
};
