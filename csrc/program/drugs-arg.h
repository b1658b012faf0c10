// The command line's options for doses, and their consequences.

#pragma once

#include "arg.h"

#include <string>
#include <vector>

// all options for doses, with environment variables and help, for all programs
std::vector<common_arg> drugs_args();

// whether an option is one for doses, which --help lists first
bool drugs_is_dose_arg(const common_arg & arg);

// Two commands with doses for the help of a program; empty for other programs.
std::string drugs_dose_examples(llama_example ex);

// Called after parsing: sets greedy decoding if there is a dose and no sampler option, and the default model if none was named.
// Throws std::invalid_argument for doses that cannot be used, or if there is no model.
void drugs_finish_params(common_params & params, llama_example ex);

// Builds the dosage from the profile file and the options. Throws std::invalid_argument for doses that cannot be used.
void drugs_apply_options(drugs_params & params);
