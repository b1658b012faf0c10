// The doses of the command line; a member of common_params.

#pragma once

#include "drugs-dose.h"

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

struct drugs_params {
    drugs_dosage dosage;

    // the parts of the dosage: a file, then the changes of the options, whatever their order
    std::string                                      profile_path;
    std::vector<std::function<void(drugs_dosage &)>> changes;

    // dose every token of every sequence as soon as there is a context: for programs that measure instead of writing text
    bool everything = false;

    // server: the largest angle that a request may set (radians)
    double dose_max = std::numeric_limits<double>::infinity();

    // server: the sites of its model, once it is loaded
    std::shared_ptr<const drugs_sites> sites;
};
