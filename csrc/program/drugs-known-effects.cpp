#include "drugs-known-effects.h"

#include "drugs-dosage-json.h"
#include "drugs-effect.h"
#include "drugs-messages.h"
#include "drugs-package.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include <sys/types.h>
#include <sys/stat.h>

namespace fs = std::filesystem;

using json = common_json;

// version of the frozen texts on which effects are measured (model/frozen_texts.py)
static const char * const TEXTS = "texts 1";

// number of depths at which a shape is sampled
static const int N_DEPTHS = 48;

//
// files
//

static fs::path environment(const char * name) {
#if defined(_WIN32)
    const wchar_t * value = _wgetenv(fs::path(name).c_str());
    return value ? value : L"";
#else
    const char * value = std::getenv(name);
    return value ? value : "";
#endif
}

// Size in bytes and time in seconds since 1970, as Python's os.stat has them; returns false if there is no such file.
static bool stamp_of(const fs::path & path, double & size, double & time) {
#if defined(_WIN32)
    struct __stat64 status;
    const int failed = _wstat64(path.c_str(), &status);
#else
    struct stat status;
    const int failed = stat(path.c_str(), &status);
#endif
    if (failed) {
        return false;
    }
    size = (double) status.st_size;
    time = (double) status.st_mtime;
    return true;
}

// as in model/known_effects.py
static fs::path cache_folder() {
    const fs::path given = environment("DRUGS_CACHE");
    if (!given.empty()) {
        return given;
    }
#if defined(_WIN32)
    return environment("LOCALAPPDATA") / "drugs_cpp";
#elif defined(__APPLE__)
    return environment("HOME") / "Library" / "Caches" / "drugs_cpp";
#else
    const fs::path caches = environment("XDG_CACHE_HOME");
    return (caches.empty() ? environment("HOME") / ".cache" : caches) / "drugs_cpp";
#endif
}

// an empty object if the file is missing or is not a JSON object
static json read_object(const fs::path & path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    json data = json::parse_no_throw(text.str());
    return data.is_discarded() || !data.is_object() ? json::object() : data;
}

static std::string hash_of(const fs::path & path) {
    std::ifstream file(path, std::ios::binary);
    sha256_t state;
    sha256_init(&state);
    std::vector<char> part(1 << 20);
    while (file.read(part.data(), (std::streamsize) part.size()) || file.gcount() > 0) {
        sha256_update(&state, (const unsigned char *) part.data(), (size_t) file.gcount());
    }
    unsigned char digest[SHA256_DIGEST_SIZE];
    sha256_final(&state, digest);
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    return hex;
}

// whether an object contains another object with this name
static bool has(const json & data, const char * name) {
    return data.contains(name) && data.at(name).is_object();
}

static bool has_size(const json & models, double size) {
    for (const auto & [sha256, model] : models.items()) {
        if (model.contains("size") && model.at("size").is_number() && model.at("size").get<double>() == size) {
            return true;
        }
    }
    return false;
}

static bool is_stamp(const json & noted, double size, double time) {
    const bool is_one = noted.is_array() && noted.size() == 3 && noted.at(0).is_number() && noted.at(1).is_number() && noted.at(2).is_string();
    return is_one && noted.at(0).get<double>() == size && noted.at(1).get<double>() == time;
}

// The hash of a model file, as recorded when its effects were measured. Otherwise, it is computed if the shipped table has a file
// of the same size. Empty: nothing can be known about the model.
static std::string model_hash(const std::string & path, const json & kept, const json & table) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(fs::u8path(path), error);
    double size = 0.0;
    double time = 0.0;
    if (error || !stamp_of(real, size, time)) {
        return "";
    }
    const std::string name = real.u8string();
    if (has(kept, "files") && kept.at("files").contains(name)) {
        const json & noted = kept.at("files").at(name); // size, time, hash
        if (is_stamp(noted, size, time)) {
            return noted.at(2).get<std::string>();
        }
    }
    return has(table, "models") && has_size(table.at("models"), size) ? hash_of(real) : "";
}

//
// doses
//

static double peak(const drugs_dosage & dosage) {
    double most = 0;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        most = std::max(most, dosage.thetas[site] * dosage.shapes[site].peak());
    }
    return most;
}

static bool same_shape(const drugs_profile & a, const drugs_profile & b) {
    const auto same = [](const drugs_profile::point & x, const drugs_profile::point & y) {
        return x.depth == y.depth && x.peakratio == y.peakratio;
    };
    return a.mode == b.mode && std::equal(a.points.begin(), a.points.end(), b.points.begin(), b.points.end(), same);
}

// whether two doses are the same except for the size of their angles, and for settings on top of them
static bool same_proportions(const drugs_dosage & a, const drugs_dosage & b) {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (std::abs(a.thetas[site] / peak(a) - b.thetas[site] / peak(b)) > 1e-3) {
            return false;
        }
        if (a.thetas[site] > 0 && !same_shape(a.shapes[site], b.shapes[site])) {
            return false;
        }
    }
    return a.kinds.noise == b.kinds.noise && a.kinds.angle == b.kinds.angle && a.kinds.turn == b.kinds.turn && a.hold == b.hold &&
            a.shared_layers == b.shared_layers;
}

// throws for anything that is not a measured dose
static drugs_known_effect effect_of(const json & values, const char * source) {
    drugs_known_effect effect;
    effect.dosage = drugs_dosage_from_json(values.at("dose"), {});
    effect.target = values.at("target").get<double>();
    effect.nats   = values.at("kl").get<double>();
    effect.floor  = values.at("floor").get<double>();
    effect.angle  = values.at("angle").get<double>();
    effect.source = source;
    const bool is_angle = effect.angle > 0 && effect.angle <= LLAMA_DRUGS_MAX_ANGLE;
    if (!(effect.target > 0 && effect.nats > effect.floor && is_angle && peak(effect.dosage) > 0) || effect.dosage.lacks_angles()) {
        throw std::invalid_argument("not measured");
    }
    return effect;
}

static std::vector<drugs_known_effect> effects_in(const json & data, const std::string & sha256, const char * source) {
    std::vector<drugs_known_effect> found;
    if (!has(data, "models") || !has(data.at("models"), sha256.c_str())) {
        return found;
    }
    const json & model = data.at("models").at(sha256);
    if (!model.contains("texts") || !(model.at("texts") == TEXTS) || !model.contains("doses") || !model.at("doses").is_array()) {
        return found;
    }
    for (const auto & [i, values] : model.at("doses").items()) {
        try {
            found.push_back(effect_of(values, source));
        } catch (const std::exception &) { // the others still count
        }
    }
    return found;
}

const std::vector<drugs_known_effect> & drugs_known_effects::known() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (is_read) {
        return effects;
    }
    is_read = true;
    const std::string package = drugs_effects_file();
    const json kept  = read_object(cache_folder() / "effects.json");
    const json table = package.empty() ? json::object() : read_object(fs::u8path(package));
    const std::string sha256 = model_hash(model_path, kept, table);
    for (const auto & [data, source] : { std::pair { &kept, DRUGS_CALIBRATED }, std::pair { &table, DRUGS_TABLE } }) {
        const auto found = effects_in(*data, sha256, source);
        effects.insert(effects.end(), found.begin(), found.end());
    }
    return effects;
}

// nats per squared radian, as on other models
static double nats_of(const drugs_dosage & proportions) {
    double nats = 0;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        double squares = 0;
        for (int i = 0; i < N_DEPTHS; i++) {
            const double angle = proportions.thetas[site] * proportions.shapes[site].ratio((double) i / N_DEPTHS);
            squares += angle * angle / N_DEPTHS;
        }
        nats += DRUGS_NATS[site] * squares;
    }
    return nats;
}

// throws for an effect that rounding alone has on the model, if that is known
static void check_floor(const std::vector<drugs_known_effect> & known, double effect) {
    if (!known.empty() && effect <= known[0].floor) {
        throw std::invalid_argument("the effect is " + drugs_number(effect) + " nats, and under next to no dose this model moves by " +
                drugs_number(known[0].floor) + " already, because its numbers are rounded differently: ask for more than that");
    }
}

void drugs_known_effects::resolve(drugs_dosage & dosage) {
    if (!dosage.lacks_angles()) {
        return;
    }
    if (std::all_of(dosage.thetas.begin(), dosage.thetas.end(), [](double theta) { return theta == 0; })) {
        dosage.thetas[DRUGS_EFFECT_SITE] = 1;
    }
    const double most = peak(dosage);
    if (most == 0) { // the shape leaves nothing
        dosage.thetas = {};
        dosage.source = DRUGS_TABLE;
        return;
    }
    check_floor(known(), dosage.effect);
    const drugs_known_effect * near = nullptr; // among the effects of the same dose, the one closest to the requested effect
    const auto distance = [&](const drugs_known_effect & effect) { return std::abs(std::log(effect.target / dosage.effect)); };
    for (const auto & effect : known()) {
        if (same_proportions(effect.dosage, dosage) && (!near || distance(effect) < distance(*near))) {
            near = &effect;
        }
    }
    for (auto & theta : dosage.thetas) {
        theta /= most;
    }
    double angle;
    if (near && distance(*near) < 0.01) {
        angle = near->angle;
        dosage.source = near->source;
    } else {
        const double floor      = near ? near->floor : DRUGS_EFFECT_FLOOR;
        const double per_square = near ? (near->nats - near->floor) / (near->angle * near->angle) : nats_of(dosage);
        angle = drugs_estimated_angle(dosage.effect, floor, per_square);
        if (angle >= DRUGS_MAX_ESTIMATE) {
            throw std::invalid_argument("the effect is " + drugs_number(dosage.effect) + " nats, for which no angle can be estimated: "
                    "ask for less, or let `drugs-lab titrate` measure it");
        }
        dosage.source = DRUGS_ESTIMATED;
    }
    for (auto & theta : dosage.thetas) {
        theta *= angle;
    }
    dosage.check(std::numeric_limits<double>::infinity());
}
