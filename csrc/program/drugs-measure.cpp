#include "drugs-measure.h"

#include "drugs-arg.h"
#include "drugs-console.h"
#include "drugs-dose.h"
#include "drugs-dosage-json.h"
#include "drugs-package.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

void drugs_measure(llama_context * ctx, const drugs_params & params, const std::string & model_path) {
    if (!params.everything) {
        return;
    }
    drugs_dosage dosage = params.dosage;
    try {
        drugs_known_effects(model_path).resolve(dosage);
        if (!dosage.sober()) {
            drugs_dose_everything(ctx, dosage);
        }
        drugs_set_repeatable(ctx, -1, dosage);
    } catch (const std::exception & error) {
        drugs_print_error(error.what());
        exit(1);
    }
    const auto shown = drugs_dosage_to_json(dosage);
    if (!shown.empty()) {
        fprintf(stderr, "doses: %s\n", shown.dump().c_str());
    }
}

// bytes of the file that llama-perplexity writes: tokens, and for each token of the second half of a chunk 16 bits for each logit
static double size_of_logits(int32_t n_vocab, int32_t n_ctx, int32_t n_chunk) {
    const double n_evaluated = (double) n_chunk*(n_ctx - 1 - n_ctx/2);
    const double n_numbers   = 2*((n_vocab + 1)/2) + 4; // of a token, with its scale and least logit
    return 8 + 3*sizeof(int32_t) + (double) n_chunk*n_ctx*sizeof(int32_t) + n_evaluated*n_numbers*sizeof(uint16_t);
}

void drugs_check_logits_file(const std::string & path, int32_t n_vocab, int32_t n_ctx, int32_t n_chunk) {
    const double size = size_of_logits(n_vocab, n_ctx, n_chunk);
    fprintf(stderr, "%s will have %.0f MB\n", path.c_str(), std::ceil(size/1e6));
    std::error_code error;
    const auto folder = std::filesystem::absolute(path, error).parent_path();
    const auto room   = std::filesystem::space(folder, error).available;
    if (!error && (double) room < size) {
        drugs_print_error("the disk of " + path + " has only " + std::to_string(room/1000000) +
                " MB left: give a file on another disk, or a shorter text with --chunks");
        exit(1);
    }
}

// Sets `is_positive` to false for a name such as --no-repeatable.
static const common_arg * find_arg(const std::vector<common_arg> & args, std::string name, bool & is_positive) {
    std::replace(name.begin(), name.end(), '_', '-');
    for (const auto & arg : args) {
        is_positive = name == arg.args[0];
        if (is_positive || (!arg.args_neg.empty() && name == arg.args_neg[0])) {
            return &arg;
        }
    }
    return nullptr;
}

static void apply(const common_arg & arg, common_params & params, const std::string & value) {
    if (arg.handler_string) {
        arg.handler_string(params, value);
    } else if (arg.handler_bool) {
        arg.handler_bool(params, common_arg_utils::is_truthy(value));
    } else if (common_arg_utils::is_truthy(value)) {
        arg.handler_void(params);
    }
}

drugs_bench_args::drugs_bench_args(int & argc, char ** & argv) {
    std::vector<common_arg> args;
    for (auto & arg : drugs_args()) {
        if (arg.in_example(LLAMA_EXAMPLE_COMMON)) { // not those of the server only
            args.push_back(arg);
        }
    }
    common_params parsed;
    bool has_model = false;
    bool no_model  = false;
    bool help      = false;
    std::string name;
    try {
        for (const auto & arg : args) {
            std::string value;
            name = arg.env ? arg.env : "";
            if (arg.get_value_from_env(value)) {
                apply(arg, parsed, value);
            }
        }
        for (int i = 0; i < argc; i++) {
            name = argv[i];
            help      |= name == "-h" || name == "--help";
            no_model  |= name == "--version" || name == "--list-devices";
            has_model |= name == "-m" || name == "--model" || name == "-hf" || name == "-hfr" || name == "--hf-repo";
            bool is_positive = true;
            const common_arg * arg = i > 0 ? find_arg(args, name, is_positive) : nullptr;
            if (!arg) {
                rest.push_back(argv[i]);
            } else if (arg->handler_string && i + 1 >= argc) {
                throw std::invalid_argument("expected value for argument");
            } else {
                apply(*arg, parsed, arg->handler_string ? argv[++i] : is_positive ? "1" : "0");
            }
        }
        if (help) {
            printf("doses:\n");
            for (const auto & arg : args) {
                printf("%s", arg.to_string().c_str());
            }
            printf("\n");
        } else if (!has_model && !no_model) {
            name = "-m";
            rest.insert(rest.end(), { "-m", drugs_default_model() });
        }
        drugs_apply_options(parsed.drugs);
    } catch (const std::exception & error) {
        fprintf(stderr, "error while handling argument \"%s\": %s\n", name.c_str(), error.what());
        exit(1);
    }
    params = parsed.drugs;
    params.everything = true;
    if (!params.dosage.sober() && params.dosage.seed == LLAMA_DEFAULT_SEED) {
        params.dosage.seed = drugs_fresh_seed();
    }
    for (auto & argument : rest) {
        pointers.push_back(&argument[0]);
    }
    argc = (int) pointers.size();
    pointers.push_back(nullptr);
    argv = pointers.data();
}
