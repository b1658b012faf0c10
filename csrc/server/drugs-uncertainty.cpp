#include "drugs-uncertainty.h"

#include "drugs-dosage-json.h"
#include "drugs-greedy.h"
#include "drugs-messages.h"
#include "drugs-request.h"
#include "drugs-usage.h"

#include <cmath>
#include <stdexcept>

static const int32_t DEFAULT_ANSWERS = 10;
static const int32_t MAX_ANSWERS     = 100;

//
// request
//

static bool has_value(const json & data, const char * name) {
    return data.contains(name) && !data.at(name).is_null();
}

// whether a field is there, and says more than no
static bool wants(const json & data, const char * name) {
    return has_value(data, name) && !(data.at(name) == false) && !(data.at(name) == 0);
}

static std::invalid_argument mistake(const std::string & what) {
    return std::invalid_argument("Field 'uncertainty': " + what);
}

static double read_number(const std::string & name, const json & value) {
    if (!value.is_number()) {
        throw mistake(name + " is " + drugs_shortened(value.dump_safe()) + ": give a number");
    }
    return value.get<double>();
}

static int32_t read_n(const json & value) {
    const double n = read_number("n", value);
    if (!(n >= 1 && n <= MAX_ANSWERS && n == std::floor(n))) {
        throw mistake("n is " + drugs_number(n) + ": give a whole number of dosed answers, 1 to " + std::to_string(MAX_ANSWERS));
    }
    return (int32_t) n;
}

static double read_temperature(const json & value) {
    const double temperature = read_number("the temperature", value);
    if (!(temperature >= 0 && std::isfinite(temperature))) {
        throw mistake("the temperature is " + drugs_number(temperature) + ": give 0 or more");
    }
    return temperature;
}

static drugs_answer_kind read_kind(const std::string & name) {
    try {
        return drugs_answer_kind_of_name(name);
    } catch (const std::invalid_argument & error) {
        throw mistake(error.what());
    }
}

// throws where the rest of a request does not go together with it
static void check_request(const json & data, task_response_type type) {
    if (type != TASK_RESPONSE_TYPE_OAI_CHAT && type != TASK_RESPONSE_TYPE_OAI_CMPL) {
        throw mistake("this endpoint has no choices: use /v1/chat/completions or /v1/completions");
    }
    if (has_value(data, "stream") && data.at("stream") == true) {
        throw mistake("a stream cannot say it: set stream to false");
    }
    const json & prompt = data.at("prompt");
    if (prompt.is_array() && prompt.size() > 1 && !prompt.at(0).is_number()) {
        throw mistake("it is of one prompt: send one at a time");
    }
    for (const char * name : { "n", "n_cmpl" }) {
        if (has_value(data, name) && !(data.at(name) == 1)) {
            throw mistake("it is of one answer: leave out " + std::string(name));
        }
    }
}

drugs_uncertainty::drugs_uncertainty(const drugs_params & server, const json & data, task_response_type type) {
    if (!has_value(data, "uncertainty") || data.at("uncertainty") == false) {
        return;
    }
    check_request(data, type);
    const json & given = data.at("uncertainty");
    n = given.is_number() ? read_n(given) : DEFAULT_ANSWERS;
    json own; // doses of its own
    if (given.is_object()) {
        for (const auto & [name, value] : given.items()) {
            if (name == "n") {
                n = read_n(value);
            } else if (name == "drugs") {
                own = value;
            } else if (name == "temperature") {
                temperature = read_temperature(value);
            } else if (name == "kind" && value.is_string()) {
                kind = read_kind(value.get<std::string>());
            } else {
                throw mistake("unknown name or value " + drugs_shortened(name) + ": the names are n, drugs, temperature, kind");
            }
        }
    } else if (!given.is_number() && !(given == true)) {
        throw mistake("it is " + drugs_shortened(given.dump_safe()) + ": give true, a number of dosed answers, or an object");
    }
    read_doses(server, data, own);
    keeps_logprobs = wants(data, "logprobs") || wants(data, "n_probs");
}

static bool is_site(const std::string & name) {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (name == llama_drugs_site_name((llama_drugs_site) site)) {
            return true;
        }
    }
    return false;
}

void drugs_uncertainty::read_doses(const drugs_params & server, const json & data, const json & own) {
    drugs_params defaults = server;
    defaults.dosage.dose_inputs = DRUGS_INPUTS_LAST; // so that the first token may differ
    request = json::object();
    for (const char * name : { "drugs", "seed" }) {
        if (has_value(data, name)) {
            request[name] = data.at(name);
        }
    }
    if (!own.is_null()) {
        request["drugs"] = own;
    }
    dosage = drugs_read_dosage(defaults, request);
    if (own.is_null() && dosage.sober()) {
        json doses = json::parse(drugs_usual_doses());
        if (has_value(request, "drugs")) {
            for (const auto & [name, value] : request.at("drugs").items()) { // what the request says beside sites and effect stays
                if (!is_site(name) && name != "effect" && !value.is_null()) {
                    doses[name] = value;
                }
            }
        }
        request["drugs"] = doses;
        dosage = drugs_read_dosage(defaults, request);
    }
}

//
// tasks
//

static server_task copy_of(const server_task & task, int id) {
    server_task copy(task.type);
    copy.id     = id;
    copy.params = task.params;
    copy.tokens = task.tokens.clone();
    return copy;
}

std::vector<server_task> drugs_uncertainty::tasks(
        server_task && task, const common_params & base, const std::function<int()> & new_id) const {
    std::vector<server_task> tasks;
    drugs_dosage own = dosage;
    own.repeatable = dosage.repeatable.value_or(true) && base.drugs.not_repeatable.empty();
    drugs_choose_seed(own, base, request, task.params.sampling.seed);
    drugs_make_greedy(task.params.sampling);
    task.params.drugs = drugs_dosage();
    task.params.drugs.repeatable = own.repeatable; // so that an answer under no dose at all would be this one
    for (int32_t i = 0; i < n; i++) {
        server_task dosed = copy_of(task, new_id());
        dosed.params.drugs = own;
        dosed.params.drugs.vary((uint32_t) i);
        dosed.params.sampling.seed = dosed.params.drugs.seed;
        if (temperature > 0) {
            dosed.params.sampling.temp = (float) temperature;
        }
        tasks.push_back(std::move(dosed));
    }
    task.params.sampling.n_probs    = std::max(1, task.params.sampling.n_probs);
    task.params.post_sampling_probs = false;
    tasks.insert(tasks.begin(), std::move(task));
    return tasks;
}

//
// answer
//

static std::string text_of(const json & answer) {
    const json & choice = answer.at("choices").at(0);
    if (choice.contains("text")) {
        return choice.at("text").get<std::string>();
    }
    const json & message = choice.at("message");
    return message.contains("content") && message.at("content").is_string() ? message.at("content").get<std::string>() : "";
}

// mean of the tokens, in nats; 0 without any
static double log_likelihood_of(const json & choice) {
    if (!choice.contains("logprobs") || !choice.at("logprobs").is_object()) {
        return 0;
    }
    const json & tokens = choice.at("logprobs").at("content");
    double sum = 0;
    for (size_t i = 0; i < tokens.size(); i++) {
        sum += tokens.at(i).at("logprob").get<double>();
    }
    return tokens.empty() ? 0 : sum / (double) tokens.size();
}

json drugs_uncertainty::answer(json answers) const {
    drugs_usage usage((int32_t) answers.size());
    std::vector<std::string> texts;
    for (size_t i = 0; i < answers.size(); i++) {
        usage.add(answers.at(i));
        texts.push_back(text_of(answers.at(i)));
    }
    json & answer = answers.at((size_t) 0);
    json & choice = answer.at("choices").at(0);
    const double log_likelihood = log_likelihood_of(choice);
    if (!keeps_logprobs && choice.contains("logprobs")) {
        choice["logprobs"] = nullptr;
    }
    const auto found = drugs_compare_answers(texts[0], { texts.begin() + 1, texts.end() }, kind);
    json groups = json::array();
    for (const auto & group : found.groups) {
        groups.push_back({ { "answer", group.answer }, { "n", group.n }, { "text", texts[group.first] } });
    }
    choice["uncertainty"] = json {
        { "score",          drugs_confidence(found.agreement, log_likelihood) },
        { "agreement",      found.agreement                         },
        { "entropy",        found.entropy                           },
        { "similarity",     found.similarity                        },
        { "log_likelihood", log_likelihood                          },
        { "kind",           drugs_answer_kind_name(found.kind)      },
        { "n",              n                                       },
        { "answers",        groups                                  },
        { "drugs",          answers.at(1).at("choices").at(0).value("drugs", json::object()) },
    };
    usage.put_into(answer);
    return answer;
}
