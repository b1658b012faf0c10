// The course of a dose: how it rises and falls with the tokens of an answer, as a profile does with depth.

#pragma once

#include "drugs-profile.h"

#include "llama-drugs.h"

#include <string>
#include <vector>

// a profile over tokens: depth is the index of a token, counted from the first new token of an answer
struct drugs_course {
    drugs_profile profile; // no points: the full dose all the time

    bool   empty() const { return profile.points.empty(); }
    double peak()  const { return profile.peak(); }

    // Points for llama_drugs_params: interpolated linearly, they give each token the ratio of the profile; tokens increase.
    std::vector<llama_drugs_course_point> points() const;

    // Sorts points, which may come in any order. Throws std::invalid_argument if there are no points or more than DRUGS_MAX_POINTS;
    // if a token is not a whole number, 0 or more, or occurs twice; or if a ratio is negative or not finite.
    void check();

    // throws std::invalid_argument if a course cannot have this many points
    static void check_count(size_t n_points);
};
