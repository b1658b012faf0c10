#include "drugs-request.h"

#include "drugs-dosage-json.h"
#include "drugs-greedy.h"

#include "log.h"

#include <mutex>

//
// request
//

static bool has_value(const json & data, const char * name) {
    return data.contains(name) && !data.at(name).is_null();
}

static bool has_sampler_field(const json & data) {
    static const char * const fields[] = {
        "temperature", "top_k", "top_p", "min_p", "top_n_sigma", "typical_p", "xtc_probability", "dynatemp_range",
        "repeat_penalty", "frequency_penalty", "presence_penalty", "dry_multiplier", "mirostat", "adaptive_target", "samplers",
    };
    for (const char * field : fields) {
        if (has_value(data, field)) {
            return true;
        }
    }
    return false;
}

// If "drugs" gave no seed: whether it says -1, rather than nothing.
static bool has_fresh_seed(const json & data) {
    return has_value(data, "drugs") && data.at("drugs").is_object() && has_value(data.at("drugs"), "seed");
}

// for the first request that deserves it
static void warn_once(const drugs_dosage & dosage) {
    static std::once_flag warned;
    const std::string warning = dosage.warning();
    if (!warning.empty()) {
        std::call_once(warned, [&] { LOG_WRN("a request: %s\n", warning.c_str()); });
    }
}

drugs_dosage drugs_read_dosage(const drugs_params & server, const json & data) {
    if (!has_value(data, "drugs")) {
        drugs_dosage dosage = server.dosage;
        dosage.seed = LLAMA_DEFAULT_SEED;
        return dosage;
    }
    try {
        drugs_dosage defaults = server.dosage;
        defaults.seed = LLAMA_DEFAULT_SEED;
        drugs_dosage dosage = drugs_dosage_from_json(data.at("drugs"), defaults);
        if (server.effects) {
            server.effects->resolve(dosage);
        }
        dosage.check(server.dose_max);
        if (server.sites) {
            server.sites->check(dosage);
        }
        warn_once(dosage);
        return dosage;
    } catch (const std::exception & error) {
        throw std::invalid_argument(std::string("Field 'drugs': ") + error.what());
    }
}

// decides whether a request is computed repeatably
static void choose_repeatable(task_params & params, const drugs_params & server) {
    const bool wanted = drugs_wants_repeatable(params.drugs);
    if (wanted && !server.not_repeatable.empty() && params.drugs.repeatable) {
        throw std::invalid_argument("Field 'drugs': repeatable is true, and this server cannot: " + server.not_repeatable);
    }
    params.drugs.repeatable = wanted && server.not_repeatable.empty();
    if (*params.drugs.repeatable) {
        params.n_cache_reuse = 0; // positions that were moved differ in their last bits
    }
}

void drugs_choose_seed(drugs_dosage & dosage, const common_params & base, const json & data, uint32_t seed) {
    const uint32_t of_request = has_value(data, "seed") ? seed : LLAMA_DEFAULT_SEED;
    for (const uint32_t next : { of_request, base.drugs.dosage.seed, base.sampling.seed, drugs_fresh_seed() }) {
        if (dosage.seed == LLAMA_DEFAULT_SEED) {
            dosage.seed = has_fresh_seed(data) ? drugs_fresh_seed() : next;
        }
    }
}

void drugs_read_request(task_params & params, const common_params & base, const json & data) {
    drugs_dosage & dosage = params.drugs;
    dosage = drugs_read_dosage(base.drugs, data);
    choose_repeatable(params, base.drugs);
    if (dosage.sober()) {
        return;
    }
    drugs_choose_seed(dosage, base, data, params.sampling.seed);
    if (params.sampling.seed == LLAMA_DEFAULT_SEED) {
        params.sampling.seed = dosage.seed;
    }
    if (!has_sampler_field(data) && !drugs_has_sampler_option(base.sampling)) {
        drugs_make_greedy(params.sampling);
    }
}

bool drugs_can_share_prompt(const task_params & params, const drugs_params & server) {
    const drugs_inputs inputs = params.drugs.dose_inputs;
    return params.drugs.sober() || inputs == DRUGS_INPUTS_NO || (inputs == DRUGS_INPUTS_LAST && server.can_go_back);
}

server_task drugs_separate_task(const server_task & task, int id, uint32_t n) {
    server_task separate(task.type);
    separate.id            = id;
    separate.params        = task.params;
    separate.params.n_cmpl = 1;
    separate.params.drugs.vary(n);
    separate.params.sampling.seed  = drugs_later_seed(task.params.sampling.seed, task.params.drugs.each_apart ? 0 : n);
    separate.tokens        = task.tokens.clone();
    return separate;
}

int drugs_slot_of_request(const std::string & id_slot, int n_slots) {
    for (int id = -1; id < n_slots; id++) {
        if (id_slot == std::to_string(id)) {
            return id;
        }
    }
    throw std::invalid_argument("id_slot is '" + id_slot + "': give 0 to " + std::to_string(n_slots - 1) + ", or -1 for all slots");
}

//
// response
//

// the part of an answer that gets the doses and the seed
static json * place_of(json & data, task_response_type type, bool stream) {
    switch (type) {
        case TASK_RESPONSE_TYPE_OAI_CMPL:
            return &data.at("choices").at(0);
        case TASK_RESPONSE_TYPE_OAI_CHAT:
            if (!stream) {
                return &data.at("choices").at(0);
            }
            for (size_t i = data.size(); i-- > 0; ) { // the last chunk may contain only usage
                if (!data.at(i).at("choices").empty()) {
                    return &data.at(i).at("choices").at(0);
                }
            }
            return nullptr;
        case TASK_RESPONSE_TYPE_OAI_RESP:
            return stream ? &data.back().at("data").at("response") : &data;
        case TASK_RESPONSE_TYPE_ANTHROPIC:
            return stream ? &data.at(data.size() - 2).at("data") : &data; // message_delta, which comes before message_stop
        default:
            return &data;
    }
}

void drugs_add_to_response(json & data, const drugs_dosage & dosage, task_response_type type, bool stream) {
    const json drugs = drugs_dosage_to_json(dosage);
    json * place = drugs.empty() ? nullptr : place_of(data, type, stream);
    if (place) {
        (*place)["drugs"] = drugs;
    }
}
