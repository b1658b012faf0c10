// A request for hidden states: the text, the doses, and what is read for which tokens.

#pragma once

#include "drugs-dosage.h"

#include "common.h"
#include "json.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

// the largest answer, in bytes: its float32 numbers, and 64 bytes for each likely token that it names
constexpr size_t DRUGS_HIDDEN_MOST_BYTES = 64*1024*1024;

// An error that is passed on to the client as it is: "code", "message" and "type".
struct drugs_hidden_error : std::runtime_error {
    explicit drugs_hidden_error(common_json data);

    // for a request that the model or the server does not support
    static drugs_hidden_error not_supported(const std::string & message);

    common_json data;
};

// the model and the limits of a server
struct drugs_hidden_server {
    const llama_model   * model;
    const common_params & params;
    int32_t               n_ctx;  // tokens per slot
    const std::string   & name;   // of the model
};

struct drugs_hidden_request {
    std::string          model;
    llama_tokens         tokens;    // tokens of the text, at least one
    std::vector<int32_t> positions; // to read, ascending
    std::vector<int32_t> layers;    // to read, ascending: 0 is the embedding, i + 1 the output of layer i
    drugs_dosage         drugs;     // with a seed, unless it is sober; repeatable is not set if the context decides
    std::string          dosed;     // "all" or "last"
    int32_t              top_k  = 0;
    bool                 binary = false;

    // number of first positions that no dose reaches
    int32_t n_sober() const { return dosed == "last" ? (int32_t) tokens.size() - 1 : 0; }
};

// Reads a request; anything that cannot be done is an error before work starts.
// Throws std::invalid_argument for a value that cannot be used; the message names it. Throws drugs_hidden_error for a text that is too
// long, an answer that would be too large, or a model without a vocabulary.
drugs_hidden_request drugs_read_hidden_request(const common_json & data, const drugs_hidden_server & server);
