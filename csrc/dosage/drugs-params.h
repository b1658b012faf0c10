// What the command line says about doses; a member of common_params.

#pragma once

#include "drugs-dose.h"

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

struct drugs_params {
    drugs_dosage dosage;

    // what it is made of: a file, and on top of that what the options say, in whatever order they came
    std::string                                      profile_path;
    std::vector<std::function<void(drugs_dosage &)>> changes;

    // doses every token of every sequence, as soon as there is a context: programs that measure rather than write
    bool everything = false;

    // server: the largest angle that a request may ask for (radians)
    double dose_max = std::numeric_limits<double>::infinity();

    // server: what its model has, once it is loaded
    std::shared_ptr<const drugs_sites> sites;
};
