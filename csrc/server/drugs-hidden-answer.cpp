#include "drugs-hidden-answer.h"

#include "drugs-dosage-json.h"

#include "server-common.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

// the format name in Python's trace files
static constexpr const char * FORMAT = "drugs_cpp trace 1";

//
// JSON
//

static json doses_of(const drugs_hidden_request & request) {
    return request.drugs.sober() ? json(nullptr) : drugs_dosage_to_json(request.drugs);
}

json drugs_hidden_result::to_json() {
    json top = json::array();
    for (const auto & of_position : tops) {
        json tokens = json::array();
        for (const auto & one : of_position) {
            tokens.push_back({ { "token", one.text }, { "id", one.id }, { "logit", one.logit }, { "prob", one.prob } });
        }
        top.push_back(tokens);
    }
    return json {
        { "model",     request.model     },
        { "tokens",    request.tokens    },
        { "pieces",    pieces            },
        { "positions", request.positions },
        { "layers",    request.layers    },
        { "n_embd",    n_embd            },
        { "dosed",     request.dosed     },
        { "drugs",     doses_of(request) },
        { "top",       top               },
    };
}

// Nine digits restore each float32 exactly. JSON has no infinite numbers.
static void append_number(std::string & text, float value) {
    char digits[32];
    if (!std::isfinite(value)) {
        text += "null";
        return;
    }
    text.append(digits, std::snprintf(digits, sizeof(digits), "%.9g", value));
}

static void append_vector(std::string & text, const float * values, int32_t n) {
    text += '[';
    for (int32_t i = 0; i < n; i++) {
        text += i > 0 ? "," : "";
        append_number(text, values[i]);
    }
    text += ']';
}

// all vectors of a position, or the only one
static void append_position(std::string & text, const float * values, int32_t n_layers, int32_t n_embd) {
    text += '[';
    for (int32_t layer = 0; layer < n_layers; layer++) {
        text += layer > 0 ? "," : "";
        append_vector(text, values + (size_t) layer*n_embd, n_embd);
    }
    text += ']';
}

// everything before the numbers of "hidden"
static std::string beginning(drugs_hidden_result & result) {
    std::string text = safe_json_to_str(result.to_json());
    text.pop_back(); // the closing bracket
    text += ",\"norm\":";
    if (result.norm.empty()) {
        text += "null";
    } else {
        append_position(text, result.norm.data(), (int32_t) result.request.positions.size(), result.n_embd);
    }
    return text + ",\"hidden\":[";
}

static std::function<bool(std::string &)> json_parts(std::shared_ptr<drugs_hidden_result> result) {
    return [result, next = (size_t) 0](std::string & text) mutable {
        const size_t n_position = result->request.positions.size();
        const auto   n_layers   = (int32_t) result->request.layers.size();
        text = next == 0 ? beginning(*result) : ",";
        append_position(text, result->hidden.data() + next*n_layers*result->n_embd, n_layers, result->n_embd);
        next++;
        text += next == n_position ? "]}" : "";
        return next < n_position;
    };
}

//
// safetensors: the length of a header, the header as JSON, the numbers
//

// the parts of a file
class safetensors {
public:
    template <typename T>
    void add(const std::string & name, const char * type, const std::vector<size_t> & shape, const std::vector<T> & values) {
        const size_t n_bytes = values.size()*sizeof(T);
        header[name] = json { { "dtype", type }, { "shape", shape }, { "data_offsets", std::vector<size_t> { n_data, n_data + n_bytes } } };
        parts.emplace_back((const char *) values.data(), n_bytes);
        n_data += n_bytes;
    }

    std::string file(const std::string & about) {
        header["__metadata__"] = json { { "about", about } };
        std::string text = header.dump();
        text.append((8 - text.size() % 8) % 8, ' '); // so that the numbers are aligned
        const uint64_t length = text.size();

        std::string file;
        file.reserve(sizeof(length) + text.size() + n_data);
        file.append((const char *) &length, sizeof(length));
        file.append(text);
        for (const auto & [data, n_bytes] : parts) {
            file.append(data, n_bytes);
        }
        return file;
    }

private:
    json   header = json::object();
    size_t n_data = 0;
    std::vector<std::pair<const char *, size_t>> parts; // the values are stored elsewhere
};

static std::string about_of(drugs_hidden_result & result) {
    json about = result.to_json();
    json top   = json::array();
    for (const auto & of_position : result.tops) {
        json tokens = json::array();
        for (const auto & one : of_position) {
            tokens.push_back(json::array({ one.text, one.id, one.logit, one.prob }));
        }
        top.push_back(tokens);
    }
    about["format"] = FORMAT;
    about["top"]    = top;
    about["seed"]   = result.request.drugs.sober() ? json(nullptr) : json(result.request.drugs.seed);
    return about.dump_safe();
}

std::string drugs_hidden_to_safetensors(drugs_hidden_result & result) {
    const size_t n_position = result.request.positions.size();
    const size_t n_layers   = result.request.layers.size();
    const size_t n_embd     = result.n_embd;
    safetensors parts;
    parts.add("hidden", "F32", { n_position, n_layers, n_embd }, result.hidden);
    if (!result.norm.empty()) {
        parts.add("norm", "F32", { n_position, n_embd }, result.norm);
    }
    parts.add("positions", "I32", { n_position }, result.request.positions);
    parts.add("layers",    "I32", { n_layers   }, result.request.layers);
    return parts.file(about_of(result));
}

void drugs_write_hidden(server_http_res & res, std::shared_ptr<drugs_hidden_result> result) {
    res.status = 200;
    if (result->request.binary) {
        res.content_type = "application/octet-stream";
        res.data         = drugs_hidden_to_safetensors(*result);
    } else {
        res.next = json_parts(std::move(result));
    }
}
