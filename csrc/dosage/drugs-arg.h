// The command line's options for doses, and what follows from them.

#pragma once

#include "arg.h"

#include <string>
#include <vector>

// --dose and all that begins with it, with environment variables and help, for every program
std::vector<common_arg> drugs_args();

// Once everything is parsed: greedy decoding if there is a dose and no sampler option, and the default model if none was
// named. Throws std::invalid_argument: doses that cannot be used, or no model.
void drugs_finish_params(common_params & params, llama_example ex);

// Makes the dosage of the file and the options. Throws likewise.
void drugs_apply_options(drugs_params & params);

// "A=0.1,Q=0.2" sets the doses of these sites. Throws std::invalid_argument: malformed; the message says how it looks.
void drugs_read_doses(drugs_dosage & dosage, const std::string & text);

// "A=interpolate:0:0,1:1" sets the shape of this site, further ones follow behind a comma. Throws likewise.
void drugs_read_shapes(drugs_dosage & dosage, const std::string & text);

// a number as options have it, whatever the locale; throws std::invalid_argument: something else
double drugs_read_number(const std::string & what, const std::string & text);

// --dose and --dose-shape can be repeated. Upstream keeps the last of an option, so while this lives the arguments have one
// of each, its values separated by commas.
class drugs_joined_args {
public:
    drugs_joined_args(int & argc, char ** & argv);

private:
    std::vector<std::string> joined;
    std::vector<char *>      pointers;
};

// Waits until all that the program has said is written, which upstream's log does in a thread that would end with it.
// Returns `status`.
int drugs_end(int status);
