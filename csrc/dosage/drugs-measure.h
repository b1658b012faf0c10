// Programs that measure rather than write: every token of every sequence is dosed.

#pragma once

#include "common.h"

#include <vector>

// Doses everything if the parameters say so. Exits with a message if that cannot be.
void drugs_measure(llama_context * ctx, const drugs_params & params);

// For llama-bench, which has a parser of its own: takes the options for doses out of the arguments and adds the default
// model if there is none. Prints its options if help is asked for, and exits with a message if one cannot be used.
class drugs_bench_args {
public:
    drugs_bench_args(int & argc, char ** & argv);

    drugs_params params;

private:
    std::vector<std::string> rest;
    std::vector<char *>      pointers;
};
