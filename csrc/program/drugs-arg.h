// The command line's options for doses, and their consequences.

#pragma once

#include "arg.h"

#include <string>
#include <vector>

// all options for doses, with environment variables and help, for every program
std::vector<common_arg> drugs_args();

// Called after parsing: sets greedy decoding if there is a dose and no sampler option, and the default model if none was
// named. Throws std::invalid_argument: doses that cannot be used, or no model.
void drugs_finish_params(common_params & params, llama_example ex);

// Makes the dosage from the profile file and the options. Throws std::invalid_argument: doses that cannot be used.
void drugs_apply_options(drugs_params & params);

// "A=0.1,Q=0.2" sets the doses of these sites; commas or spaces separate them. Throws std::invalid_argument: malformed; the
// message shows the form.
void drugs_read_doses(drugs_dosage & dosage, std::string text);

// "A=interpolate:0:0,1:1" sets the shape of this site; more sites follow after commas. Throws in the same way.
void drugs_read_shapes(drugs_dosage & dosage, const std::string & text);

// reads a number in the same way under every locale; throws std::invalid_argument: something else
double drugs_read_number(const std::string & what, const std::string & text);
