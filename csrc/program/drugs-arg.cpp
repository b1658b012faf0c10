#include "drugs-arg.h"

#include "drugs-dosage-json.h"
#include "drugs-greedy.h"
#include "drugs-messages.h"
#include "drugs-package.h"
#include "drugs-read.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <stdexcept>

namespace fs = std::filesystem;

//
// options
//

// keeps the change that an option makes, after a trial has shown that it is valid
static void note(common_params & params, const std::function<void(drugs_dosage &)> & change) {
    drugs_dosage scratch;
    change(scratch);
    params.drugs.changes.push_back(change);
}

std::vector<common_arg> drugs_args() {
    std::vector<common_arg> args;
    args.push_back(common_arg(
        {"--dose"}, "SITE=ANGLE,...|EFFECT",
        "dose sites of the model: turn vectors there by random angles up to this many radians; sites: H, Q, K, V, A, pK, pV, M\n"
        "or a dose by its effect on the model: mild, medium, strong or effect=NATS, at A, or at the sites given, whose angles\n"
        "are then proportions; `drugs-lab titrate` measures these angles, and until then they are estimated\n"
        "can be repeated; with a dose and no sampler option, decoding is greedy (default: none)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { drugs_read_doses(dosage, value); });
        }
    ).set_env("LLAMA_ARG_DOSE"));
    args.push_back(common_arg(
        {"--dose-seed"}, "SEED",
        "seed of the noise, 0 to 4294967294; the same seed gives the same text (default: -1, a fresh one)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_seed(drugs_read_number("the dose seed", value)); });
        }
    ).set_env("LLAMA_ARG_DOSE_SEED"));
    args.push_back(common_arg(
        {"--dose-shape"}, "SITE=MODE:DEPTH:RATIO,DEPTH:RATIO,...",
        "how the dose at a site depends on depth (layer i of n lies at i/n): factors at some depths, and between them what\n"
        "MODE says: interpolate, ceil or floor; can be repeated (default: the full dose in every layer)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { drugs_read_shapes(dosage, value); });
        }
    ).set_env("LLAMA_ARG_DOSE_SHAPE"));
    args.push_back(common_arg(
        {"--dose-multiplier"}, "FACTOR",
        "factor on all doses (default: 1)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) {
                dosage.set_multiplier(drugs_read_number("the dose multiplier", value));
            });
        }
    ).set_env("LLAMA_ARG_DOSE_MULTIPLIER"));
    args.push_back(common_arg(
        {"--dose-profile"}, "FNAME",
        "JSON file with doses, as DRUGS.save() writes it in Python; other options override what it says (default: none)",
        [](common_params & params, const std::string & value) {
            drugs_dosage_from_file(value, {}); // throws if it cannot be read
            params.drugs.profile_path = value;
        }
    ).set_env("LLAMA_ARG_DOSE_PROFILE"));
    args.push_back(common_arg(
        {"--dose-noise"}, "{isotropic,reference}",
        "how the direction of a turn is drawn: uniform, or as in the PyTorch reference (default: isotropic)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_noise(value); });
        }
    ).set_env("LLAMA_ARG_DOSE_NOISE"));
    args.push_back(common_arg(
        {"--dose-angle"}, "{uniform,half-normal,fixed}",
        "how the angle of a turn is drawn: uniform from 0 to the dose, with the same mean from half a normal distribution, or\n"
        "the dose itself (default: uniform)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_angle(value); });
        }
    ).set_env("LLAMA_ARG_DOSE_ANGLE"));
    args.push_back(common_arg(
        {"--dose-turn"}, "{rotation,addition,nlerp,elementwise}",
        "what is done with a vector x and an angle r: x turns by r; r times its length is added in a random direction; the\n"
        "same, brought back to the length of x; each number gets one of Uniform(0, dose) (default: rotation)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_turn(value); });
        }
    ).set_env("LLAMA_ARG_DOSE_TURN"));
    args.push_back(common_arg(
        {"--dose-apart"}, "N",
        "take the N-th of the directions of a seed that are orthogonal to each other (default: 0, any direction)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_apart(drugs_read_number("apart", value)); });
        }
    ).set_env("LLAMA_ARG_DOSE_APART"));
    args.push_back(common_arg(
        {"--dose-course"}, "MODE:TOKEN:RATIO,TOKEN:RATIO,...",
        "how all doses depend on the number of the token, from the first new one on, which is 0: factors at some tokens, and\n"
        "between them what MODE says: interpolate, ceil or floor (default: the full dose all the time)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { drugs_read_course(dosage, value); });
        }
    ).set_env("LLAMA_ARG_DOSE_COURSE"));
    args.push_back(common_arg(
        {"--dose-hold"}, "N|text|SITE=N|SITE=text,...",
        "for how many tokens the angle and the direction of a turn stay: N, or text for the whole text; at all sites or by\n"
        "site, for example A=text,H=8; can be repeated (default: 1, fresh ones for each token)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { drugs_read_hold(dosage, value); });
        }
    ).set_env("LLAMA_ARG_DOSE_HOLD"));
    args.push_back(common_arg(
        {"--dose-layers"}, "{own,shared}",
        "whether each layer draws its own angles and directions, or all have the same ones (default: own)",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_layers(value); });
        }
    ).set_env("LLAMA_ARG_DOSE_LAYERS"));
    args.push_back(common_arg(
        {"--dose-sink"}, "N",
        "first positions of a sequence that are never dosed (default: " + std::to_string(DRUGS_DEFAULT_SINK) + ")",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) { dosage.set_sink(drugs_read_number("the dose sink", value)); });
        }
    ).set_env("LLAMA_ARG_DOSE_SINK"));
    args.push_back(common_arg(
        {"--dose-inputs"},
        "dose the prompt too, not only what is written (default: false)",
        [](common_params & params) {
            note(params, [](drugs_dosage & dosage) { dosage.dose_inputs = DRUGS_INPUTS_YES; });
        }
    ).set_env("LLAMA_ARG_DOSE_INPUTS"));
    args.push_back(common_arg(
        {"--dose-inputs-last"},
        "dose the last position of the prompt too, whose output is the first new token (default: false)",
        [](common_params & params) {
            note(params, [](drugs_dosage & dosage) { dosage.dose_inputs = DRUGS_INPUTS_LAST; });
        }
    ).set_env("LLAMA_ARG_DOSE_INPUTS_LAST"));
    args.push_back(common_arg(
        {"--sober-interval"}, "N",
        "take a cold shower (compute the cache again, sober) every N dosed tokens (default: " +
            std::to_string(DRUGS_DEFAULT_SOBER_INTERVAL) + ")",
        [](common_params & params, const std::string & value) {
            note(params, [value](drugs_dosage & dosage) {
                dosage.set_sober_interval(drugs_read_number("the sober interval", value));
            });
        }
    ).set_env("LLAMA_ARG_SOBER_INTERVAL"));
    args.push_back(common_arg(
        {"--repeatable"},
        {"--no-repeatable"},
        "compute so that a text depends on no other text, on no number of threads and not on how a prompt is cut; on the CPU\n"
        "(default: do so for what is dosed). A server gives each slot a cache of its own for it, unless --no-repeatable",
        [](common_params & params, bool value) {
            note(params, [value](drugs_dosage & dosage) { dosage.repeatable = value; });
        }
    ).set_env("LLAMA_ARG_REPEATABLE"));
    args.push_back(common_arg(
        {"--dose-max"}, "ANGLE",
        "largest angle in radians that a request may set (default: no limit)",
        [](common_params & params, const std::string & value) {
            const std::string what = "the largest dose (radians)";
            params.drugs.dose_max = drugs_not_negative(what, drugs_read_number(what, value));
        }
    ).set_examples({LLAMA_EXAMPLE_SERVER}).set_env("LLAMA_ARG_DOSE_MAX"));
    return args;
}

bool drugs_is_dose_arg(const common_arg & arg) {
    const std::string name = arg.args.at(0);
    return name.rfind("--dose", 0) == 0 || name == "--sober-interval" || name == "--repeatable";
}

static std::vector<const char *> examples_of(llama_example ex) {
    switch (ex) {
        case LLAMA_EXAMPLE_CLI:
            return { "drugs chat --dose mild", "drugs chat -m model.gguf --dose A=0.3,H=0.1 --dose-seed 7" };
        case LLAMA_EXAMPLE_SERVER:
            return { "drugs serve --dose mild", "drugs serve -m model.gguf -np 4 -c 8192 --dose-max 0.5" };
        case LLAMA_EXAMPLE_COMPLETION:
            return { "drugs completion -p 'Once upon a time' -n 64 -no-cnv --dose mild",
                     "drugs completion -m model.gguf -p 'Once upon a time' -n 64 -no-cnv --dose A=0.3 --dose-seed 7" };
        case LLAMA_EXAMPLE_PERPLEXITY:
            return { "drugs perplexity -f text.txt -c 512 --dose mild",
                     "drugs perplexity -m model.gguf -f text.txt -c 512 --dose A=0.3 --dose-seed 7" };
        default:
            return {};
    }
}

std::string drugs_dose_examples(llama_example ex) {
    std::string text;
    for (const char * example : examples_of(ex)) {
        text += (text.empty() ? "\nexamples:\n  " : "  ") + std::string(example) + "\n";
    }
    return text;
}

//
// consequences
//

// slots of a server if the user does not give a number
static const int32_t SERVER_DEFAULT_SLOTS = 4;

// programs in which each request has its own sampler; a chat is a client of such a server
static bool serves_requests(llama_example ex) {
    return ex == LLAMA_EXAMPLE_CLI || ex == LLAMA_EXAMPLE_SERVER;
}

// a server for several models starts another server for each of them
static bool is_router(const common_params & params, llama_example ex) {
    return ex == LLAMA_EXAMPLE_SERVER && !(params.models_dir.empty() && params.models_preset.empty());
}

static bool names_model(const common_params & params, llama_example ex) {
    return is_router(params, ex) || !(params.model.path.empty() && params.model.url.empty() && params.model.hf_repo.empty() &&
            params.model.docker_repo.empty() && params.server_base.empty());
}

static bool needs_model(const common_params & params, llama_example ex) {
    return !params.usage && !params.completion && ex != LLAMA_EXAMPLE_DOWNLOAD && ex != LLAMA_EXAMPLE_EXPORT_GRAPH_OPS;
}

// Before work starts: upstream says it ten times, after much else. A file that is downloaded need not exist yet.
static void check_model_file(const common_params & params) {
    const auto & model = params.model;
    if (model.path.empty() || !model.url.empty() || !model.hf_repo.empty() || !model.docker_repo.empty()) {
        return;
    }
    std::error_code error;
    if (!fs::is_regular_file(fs::u8path(model.path), error)) {
        throw std::invalid_argument("error: no model file at " + model.path + ": give the path of a .gguf file");
    }
}

void drugs_apply_options(drugs_params & drugs) {
    drugs.dosage = drugs.profile_path.empty() ? drugs_dosage() : drugs_dosage_from_file(drugs.profile_path, {});
    for (const auto & change : drugs.changes) {
        change(drugs.dosage);
    }
    drugs.dosage.check(drugs.dose_max);
    const std::string warning = drugs.dosage.warning();
    if (!warning.empty()) {
        fprintf(stderr, "warning: %s\n", warning.c_str());
    }
}

// throws for sizes with which llama.cpp would end the process, or report something else
static void check_sizes(const common_params & params) {
    const struct {
        const char * options;
        int32_t      value;
        int32_t      least;
        int32_t      most;
    } sizes[] = {
        { "--batch-size",    params.n_batch,                     1, std::numeric_limits<int32_t>::max() },
        { "--ubatch-size",   params.n_ubatch,                    1, std::numeric_limits<int32_t>::max() },
        { "--ctx-size",      params.n_ctx,                       0, std::numeric_limits<int32_t>::max() },
        { "--threads",       params.cpuparams.n_threads,        -1, GGML_MAX_N_THREADS                  },
        { "--threads-batch", params.cpuparams_batch.n_threads,  -1, GGML_MAX_N_THREADS                  },
    };
    for (const auto & size : sizes) {
        if (size.value < size.least || size.value > size.most) {
            throw std::invalid_argument(std::string("error: ") + size.options + " is " + std::to_string(size.value) + ": give " +
                    std::to_string(std::max(size.least, 1)) + (size.most == GGML_MAX_N_THREADS ? " to " + std::to_string(size.most) : " or more"));
        }
    }
}

// throws if a batch has no room for a token of each sequence, because llama.cpp would end the process
static void check_batch(const common_params & params, llama_example ex) {
    const bool whole = params.embedding && params.n_ubatch < params.n_batch; // an embedding is computed in one piece
    const int32_t n_batch     = whole ? params.n_ubatch : params.n_batch;
    const int32_t n_sequences = params.n_parallel < 0 ? SERVER_DEFAULT_SLOTS : params.n_parallel;
    const int32_t n_least     = serves_requests(ex) ? 2 : 1; // a server tests with two tokens what its cache can do
    if (n_batch >= std::max(n_least, n_sequences)) {
        return;
    }
    const std::string fault  = std::string("error: ") + (whole ? "--ubatch-size" : "--batch-size") + " is " + std::to_string(n_batch);
    const std::string remedy = ": give " + std::to_string(std::max(n_least, n_sequences)) + " or more";
    if (n_batch < n_least) {
        throw std::invalid_argument(fault + remedy);
    }
    throw std::invalid_argument(fault + ", too small for a token of each of " + std::to_string(n_sequences) + " sequences (--parallel)" +
            remedy + ", or --parallel " + std::to_string(n_batch));
}

// throws for options that cannot be used with a dose
static void check_other_options(const common_params & params) {
    if (params.grp_attn_n != 1) {
        throw std::invalid_argument("error: doses cannot be used with --grp-attn-n, where tokens share positions");
    }
    if (params.drugs.dosage.dose_inputs == DRUGS_INPUTS_YES && !params.path_prompt_cache.empty()) {
        throw std::invalid_argument("error: --dose-inputs cannot be used with --prompt-cache: a dosed prompt is not saved");
    }
}

void drugs_finish_params(common_params & params, llama_example ex) {
    check_sizes(params);
    if (!is_router(params, ex)) {
        check_batch(params, ex);
    }
    drugs_params & drugs = params.drugs;
    drugs_apply_options(drugs);
    const bool dosed = !drugs.dosage.sober();
    if (dosed) {
        check_other_options(params);
    }
    if (dosed && !serves_requests(ex) && !drugs_has_sampler_option(params.sampling)) {
        drugs_make_greedy(params.sampling);
    }
    drugs.everything = !serves_requests(ex) && ex != LLAMA_EXAMPLE_COMPLETION; // these write text; all others measure
    if (drugs.everything && dosed && drugs.dosage.seed == LLAMA_DEFAULT_SEED) {
        drugs.dosage.seed = drugs_fresh_seed();
    }
    drugs.may_repeat = drugs.dosage.repeatable.value_or(dosed || serves_requests(ex));
    if (!drugs.dosage.repeatable.value_or(true)) {
        drugs.not_repeatable = "--no-repeatable was given";
    }
    if (ex == LLAMA_EXAMPLE_SERVER && params.public_path.empty()) {
        params.public_path = drugs_page_folder();
    }
    if (needs_model(params, ex) && !names_model(params, ex)) {
        params.model.path = drugs_default_model();
        if (params.model_alias.empty()) {
            params.model_alias.insert(DRUGS_DEFAULT_MODEL_NAME);
        }
    }
    if (needs_model(params, ex)) {
        check_model_file(params);
    }
}
