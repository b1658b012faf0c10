// Greedy decoding, the default under a dose.

#pragma once

#include "common.h"

// whether an option changes which token is chosen
bool drugs_has_sampler_option(const common_params_sampling & sampling);

// Always takes the most likely token, even if a model file recommends another sampler.
void drugs_make_greedy(common_params_sampling & sampling);
