// The field "drugs" of a request, and what else of a request goes into its doses.

#include "dosage.h"
#include "drugs-request.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

static const int32_t N_LAYER = 3;
static const int     N_SLOTS = 4;

// the sites of a model that has no pV under reference noise, and no H in its last layer
static std::shared_ptr<const drugs_sites> some_sites() {
    drugs_sites sites;
    sites.n_layer = N_LAYER;
    for (const auto noise : { LLAMA_DRUGS_NOISE_ISOTROPIC, LLAMA_DRUGS_NOISE_REFERENCE }) {
        for (int32_t layer = 0; layer < N_LAYER; layer++) {
            for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
                const bool missing = (noise == LLAMA_DRUGS_NOISE_REFERENCE && site == LLAMA_DRUGS_SITE_PV) ||
                    (layer == N_LAYER - 1 && site == LLAMA_DRUGS_SITE_H);
                sites.found.push_back(!missing);
            }
        }
    }
    return std::make_shared<const drugs_sites>(std::move(sites));
}

// a plain server, one with doses and a cap, and one that cannot compute repeatably
static std::vector<common_params> some_servers() {
    std::vector<common_params> servers(3);
    servers[1].drugs.dosage.set_theta("A", 0.3);
    servers[1].drugs.dosage.set_seed(5);
    servers[1].drugs.dose_max = 0.5;
    servers[2].drugs.not_repeatable    = "another device computes";
    servers[2].drugs.dosage.repeatable = false;
    for (common_params & server : servers) {
        server.drugs.sites = some_sites();
    }
    return servers;
}

static bool reads(task_params & params, const common_params & server, const json & data) {
    try {
        drugs_read_request(params, server, data);
        return true;
    } catch (const std::invalid_argument & error) {
        const char begin[] = "Field 'drugs': ";
        FUZZ_CHECK(strncmp(error.what(), begin, strlen(begin)) == 0 && strlen(error.what()) > strlen(begin));
        return false;
    }
}

static void check_seeds(const task_params & params) {
    if (params.drugs.sober()) {
        return;
    }
    FUZZ_CHECK(params.drugs.seed != LLAMA_DEFAULT_SEED && params.sampling.seed != LLAMA_DEFAULT_SEED);
    server_task task(SERVER_TASK_TYPE_COMPLETION);
    task.params = params;
    const server_task other = drugs_separate_task(task, 1, 1);
    if (params.drugs.each_apart) {
        FUZZ_CHECK(other.params.drugs.seed == params.drugs.seed && other.params.drugs.kinds.apart != params.drugs.kinds.apart);
    } else {
        FUZZ_CHECK(other.params.drugs.seed != params.drugs.seed && other.params.drugs.seed != LLAMA_DEFAULT_SEED);
    }
}

// What an answer says is read as the request that it answers.
static void check_answer(const task_params & params, const common_params & server) {
    json answer = json::object();
    drugs_add_to_response(answer, params.drugs, TASK_RESPONSE_TYPE_NONE, false);
    FUZZ_CHECK(answer.contains("drugs") == (!params.drugs.sober() || *params.drugs.repeatable));
    if (answer.contains("drugs")) {
        task_params again;
        FUZZ_CHECK(reads(again, server, json::parse(answer.dump())));
        FUZZ_CHECK(drugs_dosage_to_json(again.drugs).dump() == answer.at("drugs").dump());
    }
}

static void check_request(const common_params & server, const json & data) {
    task_params params;
    if (data.contains("seed")) {
        params.sampling.seed = 7; // what upstream has read
    }
    if (!reads(params, server, data)) {
        return;
    }
    FUZZ_CHECK(params.drugs.repeatable.has_value());
    FUZZ_CHECK(fuzz_accepts([&] { params.drugs.check(server.drugs.dose_max); }));
    fuzz_check_bounds(params.drugs);
    fuzz_check_written(params.drugs);
    check_seeds(params);
    check_answer(params, server);
}

static void check_slot(const std::string & name) {
    int slot = 0;
    if (fuzz_accepts([&] { slot = drugs_slot_of_request(name, N_SLOTS); })) {
        FUZZ_CHECK(slot >= -1 && slot < N_SLOTS && std::to_string(slot) == name);
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t * data, size_t size) {
    static const std::vector<common_params> servers = some_servers();
    const std::string text((const char *) data, size);
    check_slot(text);
    json request;
    try {
        request = json::parse(text);
    } catch (const common_json_error &) {
        return 0;
    }
    for (const common_params & server : servers) {
        check_request(server, request);
    }
    return 0;
}
