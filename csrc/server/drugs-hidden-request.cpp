#include "drugs-hidden-request.h"

#include "drugs-messages.h"
#include "drugs-request.h"

#include "server-common.h"

#include <algorithm>
#include <set>

// approximate size of a likely token in an answer
static constexpr size_t BYTES_OF_TOP = 64;

static constexpr const char * ALL  = "all";
static constexpr const char * LAST = "last";

drugs_hidden_error::drugs_hidden_error(json data) : std::runtime_error(data.at("message").get<std::string>()), data(std::move(data)) {}

drugs_hidden_error drugs_hidden_error::not_supported(const std::string & message) {
    return drugs_hidden_error(format_error_response(message, ERROR_TYPE_NOT_SUPPORTED));
}

// a value as shown in messages
static std::string shown(const json & value) {
    return drugs_shortened(value.dump_safe());
}

// null counts as missing
static json value_of(const json & data, const char * name, const json & otherwise) {
    return data.contains(name) && !data.at(name).is_null() ? data.at(name) : otherwise;
}

//
// the text
//

static json error_too_long(size_t n_tokens, int32_t n_ctx) {
    json data = format_error_response("the text has " + std::to_string(n_tokens) + " tokens, and the context of this server " +
            std::to_string(n_ctx) + ": shorten it, or start the server with a larger -c", ERROR_TYPE_EXCEED_CONTEXT_SIZE);
    data["n_prompt_tokens"] = n_tokens;
    data["n_ctx"]           = n_ctx;
    return data;
}

// Called before they are read as tokens, because that keeps only 32 bits of a number.
static void check_ids(const json & prompt, int32_t n_vocab) {
    if (!prompt.is_array()) {
        return;
    }
    for (size_t i = 0; i < prompt.size(); i++) {
        const json & id = prompt.at(i);
        if (id.is_number() && !(id.get<double>() >= 0 && id.get<double>() < n_vocab)) {
            throw std::invalid_argument("prompt: there is no token " + shown(id) + ": they go from 0 to " + std::to_string(n_vocab - 1));
        }
    }
}

static llama_tokens tokens_of(const json & data, const llama_vocab * vocab) {
    const json prompt = value_of(data, "prompt", nullptr);
    if (prompt.is_null()) {
        throw std::invalid_argument("prompt is missing: give a text or a list of tokens");
    }
    check_ids(prompt, llama_vocab_n_tokens(vocab));
    std::vector<server_tokens> texts;
    try {
        texts = tokenize_input_prompts(vocab, nullptr, prompt, true, true, {});
    } catch (const std::exception & error) { // another kind of value, or a text that the vocabulary cannot encode
        throw std::invalid_argument("prompt is " + shown(prompt) + ": give a text or a list of tokens (" + error.what() + ")");
    }
    if (texts.size() != 1) {
        throw std::invalid_argument("prompt has " + std::to_string(texts.size()) + " texts: give one, and send a request for each");
    }
    return texts[0].get_tokens();
}

static void check_length(const llama_tokens & tokens, int32_t n_ctx) {
    if (tokens.empty()) {
        throw std::invalid_argument("prompt has no tokens: give a longer text");
    }
    if (tokens.size() > (size_t) n_ctx) {
        throw drugs_hidden_error(error_too_long(tokens.size(), n_ctx));
    }
}

//
// what is read
//

// Numbers from 0 to n - 1, ascending and without duplicates, in the forms that Python's trace() accepts.
static std::vector<int32_t> chosen(const std::string & what, const json & given, int32_t n) {
    if (given == ALL || given == LAST) {
        std::vector<int32_t> numbers;
        for (int32_t i = given == ALL ? 0 : n - 1; i < n; i++) {
            numbers.push_back(i);
        }
        return numbers;
    }
    if (!given.is_number() && !given.is_array()) {
        throw std::invalid_argument(what + " is " + shown(given) + ": give \"all\", \"last\", a number or a list of numbers");
    }
    std::set<int32_t> found;
    const json list = given.is_array() ? given : json::array({ given });
    for (size_t i = 0; i < list.size(); i++) {
        const json & number = list.at(i);
        const bool fits = number.is_number_integer() && number.get<double>() >= -n && number.get<double>() < n;
        if (!fits) {
            throw std::invalid_argument(what + ": " + shown(number) + " is not one of them: they go from 0 to " + std::to_string(n - 1) +
                    ", or from -" + std::to_string(n) + " to -1");
        }
        found.insert((number.get<int32_t>() + n) % n);
    }
    if (found.empty()) {
        throw std::invalid_argument(what + " is []: name at least one");
    }
    return { found.begin(), found.end() };
}

static std::string one_of(const std::string & what, const json & given, const char * first, const char * second) {
    if (given != first && given != second) {
        throw std::invalid_argument(what + " is " + shown(given) + ": give \"" + first + "\" or \"" + second + "\"");
    }
    return given.get<std::string>();
}

static int32_t read_top_k(const json & given, int32_t n_vocab) {
    if (!given.is_number_integer() || given.get<double>() < 0) {
        throw std::invalid_argument("top_k is " + shown(given) + ": it is a number of tokens, 0 or more");
    }
    return (int32_t) std::min(given.get<double>(), (double) n_vocab);
}

static void check_size(const drugs_hidden_request & request, size_t n_embd) {
    const size_t n_position = request.positions.size();
    const size_t n_bytes    = n_position*((request.layers.size() + 1)*n_embd*sizeof(float) + request.top_k*BYTES_OF_TOP);
    if (n_bytes > DRUGS_HIDDEN_MOST_BYTES) {
        json data = format_error_response(string_format("the answer would have %.1f MiB, and %zu MiB is the most: name fewer positions or "
                "layers, or a smaller top_k", n_bytes/1048576.0, DRUGS_HIDDEN_MOST_BYTES/1048576), ERROR_TYPE_INVALID_REQUEST);
        data["code"] = 413;
        throw drugs_hidden_error(std::move(data));
    }
}

//
// doses
//

static uint32_t read_seed(const json & data) {
    const json seed = value_of(data, "seed", -1);
    if (!seed.is_number_integer() || seed.get<double>() < -1 || seed.get<double>() > LLAMA_DEFAULT_SEED) {
        throw std::invalid_argument("seed is " + shown(seed) + ": give a whole number from 0 to " +
                std::to_string(LLAMA_DEFAULT_SEED - 1) + ", or -1 for a fresh one");
    }
    return (uint32_t) seed.get<int64_t>();
}

// If nothing says whether to compute it repeatably, this is done if the context can do so, so that dosed and
// sober results can be compared.
static drugs_dosage read_doses(const json & data, const drugs_hidden_server & server, const std::string & dosed) {
    drugs_params defaults = server.params.drugs;
    defaults.dosage.repeatable.reset();
    if (!defaults.may_repeat) {
        defaults.dosage.repeatable = false;
    }
    const uint32_t seed = read_seed(data);
    drugs_dosage dosage = drugs_read_dosage(defaults, data);
    if (!dosage.sober()) {
        drugs_choose_seed(dosage, server.params, data, seed);
    }
    dosage.dose_inputs = dosed == LAST ? DRUGS_INPUTS_LAST : DRUGS_INPUTS_YES;
    return dosage;
}

static void check_sink(const drugs_hidden_request & request) {
    if (!request.drugs.sober() && request.tokens.size() <= (size_t) request.drugs.n_sink) {
        throw std::invalid_argument("the text has " + std::to_string(request.tokens.size()) + " tokens, and the first " +
                std::to_string(request.drugs.n_sink) + " are never dosed: give a longer text, or set a smaller sink");
    }
}

drugs_hidden_request drugs_read_hidden_request(const json & data, const drugs_hidden_server & server) {
    if (!data.is_object()) {
        throw std::invalid_argument("the request is " + shown(data) + ": give an object");
    }
    if (data.contains("lora")) {
        throw std::invalid_argument("lora: hidden states are computed with the adapters that the server has; POST /lora-adapters sets them");
    }
    const llama_vocab * vocab   = llama_model_get_vocab(server.model);
    const int32_t       n_vocab = llama_vocab_n_tokens(vocab);
    if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) {
        throw drugs_hidden_error::not_supported("this model has no vocabulary: its tokens cannot be read");
    }

    drugs_hidden_request request;
    request.model  = server.name;
    request.dosed  = one_of("dosed",  value_of(data, "dosed",  ALL),    ALL,    LAST);
    request.binary = one_of("format", value_of(data, "format", "json"), "json", "binary") == "binary";
    request.top_k  = read_top_k(value_of(data, "top_k", 10), n_vocab);
    request.layers = chosen("layers", value_of(data, "layers", ALL), server.params.drugs.sites->n_layer + 1);
    request.drugs  = read_doses(data, server, request.dosed);
    request.tokens = tokens_of(data, vocab);
    check_length(request.tokens, server.n_ctx);
    request.positions = chosen("positions", value_of(data, "positions", LAST), (int32_t) request.tokens.size());
    check_sink(request);
    check_size(request, llama_model_n_embd(server.model));
    return request;
}
