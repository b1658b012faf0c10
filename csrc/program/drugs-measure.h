// Programs that measure instead of writing text: every token of every sequence is dosed, or computed repeatably.

#pragma once

#include "common.h"

#include <string>
#include <vector>

// Applies the options to all sequences if `params.everything` is set; model_path is the path of the model file. Exits with a
// message if this is not possible.
void drugs_measure(llama_context * ctx, const drugs_params & params, const std::string & model_path);

// Prints the size of the file that llama-perplexity writes with --kl-divergence-base. Exits with a message if its disk has less
// room.
void drugs_check_logits_file(const std::string & path, int32_t n_vocab, int32_t n_ctx, int32_t n_chunk);

// For llama-bench, which has its own parser: removes the options for doses from the arguments, and adds the default model if none
// is named. Prints its options with --help, and exits with a message if one cannot be used.
class drugs_bench_args {
public:
    drugs_bench_args(int & argc, char ** & argv);

    drugs_params params;

private:
    std::vector<std::string> rest;
    std::vector<char *>      pointers;
};
