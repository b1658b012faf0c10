// The doses of the command line; a member of common_params.

#pragma once

#include "drugs-dose.h"
#include "drugs-known-effects.h"

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

struct drugs_params {
    drugs_dosage dosage;

    // the parts of the dosage: a file, then the changes made by the options, whatever their order
    std::string                                      profile_path;
    std::vector<std::function<void(drugs_dosage &)>> changes;

    // the effects of doses on the model; not set until its path is known
    std::shared_ptr<drugs_known_effects> effects;

    // the options apply to every token of every sequence, as soon as there is a context: for programs that
    // measure instead of writing text
    bool everything = false;

    // whether something may have to be computed repeatably: --no-repeatable was not given, and there is a
    // dose, or requests may have one
    bool may_repeat = false;

    // why nothing can be computed repeatably; empty if it can. If it is not empty, dosage.repeatable is false.
    std::string not_repeatable;

    // server: the user left it to the server how many slots there are, and whether they share a cache
    bool may_separate = false;

    // server: whether a cache can lose its last position, once the model is loaded
    bool can_go_back = false;

    // server: whether the cache of a model with a sliding window keeps what is outside the window
    bool keeps_all = false;

    // server: whether requests that do not say otherwise are computed repeatably, sober or not
    bool repeats_everything() const { return dosage.repeatable.value_or(false); }

    // server: the largest angle that a request may set (radians)
    double dose_max = std::numeric_limits<double>::infinity();

    // server: the sites of its model, once it is loaded
    std::shared_ptr<const drugs_sites> sites;
};
