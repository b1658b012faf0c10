// Greedy decoding: what a dose is made for.

#pragma once

#include "common.h"

// whether anything was asked for that changes which token is chosen
bool drugs_has_sampler_option(const common_params_sampling & sampling);

// always the most likely token, whatever a model's file recommends
void drugs_make_greedy(common_params_sampling & sampling);
