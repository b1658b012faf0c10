#include "drugs-dosage-json.h"

#include "drugs-messages.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

using json = common_json;

// a value as messages show it
static std::string shown(const json & value) {
    return drugs_shortened(value.dump_safe());
}

//
// parts
//

static bool read_bool(const std::string & what, const json & value) {
    if (!value.is_boolean()) {
        throw std::invalid_argument(what + " is " + shown(value) + ": give true or false");
    }
    return value.get<bool>();
}

static double read_number(const std::string & what, const json & value) {
    if (!value.is_number()) {
        throw std::invalid_argument(what + " is " + shown(value) + ": give a number");
    }
    return value.get<double>();
}

static std::string read_string(const std::string & what, const json & value) {
    if (!value.is_string()) {
        throw std::invalid_argument(what + " is " + shown(value) + ": give a string");
    }
    return value.get<std::string>();
}

static const json & check_object(const std::string & what, const json & value) {
    if (!value.is_object()) {
        throw std::invalid_argument(what + " is " + shown(value) + ": give an object");
    }
    return value;
}

static drugs_profile::point read_point(const std::string & site, const json & value) {
    const std::string what = "a point in the shape of " + site;
    check_object(what, value);
    if (value.size() != 2 || !value.contains("depth") || !value.contains("peakratio")) {
        throw std::invalid_argument(what + " is " + shown(value) + ": it needs \"depth\" and \"peakratio\", and nothing else");
    }
    return {
        read_number("the depth of "     + what, value.at("depth")),
        read_number("the peakratio of " + what, value.at("peakratio")),
    };
}

static std::vector<drugs_profile::point> read_points(const std::string & site, const json & value) {
    if (!value.is_array()) {
        throw std::invalid_argument("the points in the shape of " + site + " are " + shown(value) + ": give an array");
    }
    drugs_profile::check_count(site, value.size());
    std::vector<drugs_profile::point> points;
    for (size_t i = 0; i < value.size(); i++) {
        points.push_back(read_point(site, value.at(i)));
    }
    return points;
}

static drugs_profile read_profile(const std::string & site, const json & value) {
    drugs_profile profile;
    if (value.is_array()) {
        profile.points = read_points(site, value);
        return profile;
    }
    for (const auto & [key, part] : check_object("the shape of " + site, value).items()) {
        if (key == "points") {
            profile.points = read_points(site, part);
        } else if (key == "mode") {
            profile.mode = drugs_mode_of_name(read_string("the mode of the shape of " + site, part));
        } else {
            throw std::invalid_argument("unknown name " + shown(json(key)) + " in the shape of " + site + ": the names are points, mode");
        }
    }
    return profile;
}

static bool is_site(const std::string & name) {
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (name == llama_drugs_site_name((llama_drugs_site) site)) {
            return true;
        }
    }
    return false;
}

static void read_theta(drugs_dosage & dosage, const std::string & site, const json & value) {
    drugs_site_of_name(site);
    dosage.set_theta(site, read_number("the dose at " + site + " (radians)", value));
}

//
// the whole
//

static void read_entry(drugs_dosage & dosage, const std::string & key, const json & value) {
    if (is_site(key)) {
        read_theta(dosage, key, value);
    } else if (key == "dose_theta") {
        for (const auto & [site, theta] : check_object("dose_theta", value).items()) {
            read_theta(dosage, site, theta);
        }
    } else if (key == "shape" || key == "dose_shape") {
        for (const auto & [site, shape] : check_object("the shape", value).items()) {
            drugs_site_of_name(site);
            dosage.set_shape(site, read_profile(site, shape));
        }
    } else if (key == "multiplier" || key == "dose_multiplier") {
        dosage.set_multiplier(read_number("the dose multiplier", value));
    } else if (key == "seed") {
        dosage.set_seed(value.is_null() ? -1 : read_number("the dose seed", value));
    } else if (key == "noise") {
        dosage.set_noise(read_string("the noise", value));
    } else if (key == "sink") {
        dosage.set_sink(read_number("the dose sink", value));
    } else if (key == "dose_inputs") {
        dosage.dose_inputs = read_bool("dose_inputs", value);
    } else if (key == "sober_interval") {
        dosage.set_sober_interval(read_number("the sober interval", value));
    } else if (key == "repeatable") {
        dosage.repeatable = read_bool("repeatable", value);
    } else {
        throw std::invalid_argument("unknown name " + shown(json(key)) + ": the names are H, Q, K, V, A, pK, pV, shape, "
                "multiplier, seed, noise, sink, dose_inputs, sober_interval, repeatable");
    }
}

drugs_dosage drugs_dosage_from_json(const json & data, const drugs_dosage & defaults) {
    drugs_dosage dosage = defaults;
    dosage.thetas     = {};
    dosage.shapes     = {};
    dosage.multiplier = 1.0;
    for (const auto & [key, value] : check_object("the value", data).items()) {
        read_entry(dosage, key, value);
    }
    return dosage;
}

json drugs_dosage_to_json(const drugs_dosage & dosage) {
    json data = json::object();
    if (dosage.sober()) {
        if (dosage.repeatable.value_or(false)) {
            data["repeatable"] = true;
        }
        return data;
    }
    json shapes = json::object();
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const char * name = llama_drugs_site_name((llama_drugs_site) site);
        if (dosage.thetas[site] == 0) {
            continue;
        }
        data[name] = dosage.thetas[site];
        const auto & shape = dosage.shapes[site];
        if (!shape.points.empty()) {
            json points = json::array();
            for (const auto & point : shape.points) {
                points.push_back({ { "depth", point.depth }, { "peakratio", point.peakratio } });
            }
            shapes[name] = json { { "points", points }, { "mode", drugs_mode_name(shape.mode) } };
        }
    }
    if (!shapes.empty()) {
        data["shape"] = shapes;
    }
    if (dosage.multiplier != 1.0) {
        data["multiplier"] = dosage.multiplier;
    }
    if (dosage.seed != LLAMA_DEFAULT_SEED) {
        data["seed"] = dosage.seed;
    }
    data["noise"]          = drugs_noise_name(dosage.noise);
    data["sink"]           = dosage.n_sink;
    data["dose_inputs"]    = dosage.dose_inputs;
    data["sober_interval"] = dosage.sober_interval;
    if (dosage.repeatable) {
        data["repeatable"] = *dosage.repeatable;
    }
    return data;
}

drugs_dosage drugs_dosage_from_text(const std::string & json_text, const drugs_dosage & defaults) {
    if (json_text.find('\0') != std::string::npos) { // the parser would take it for the end
        throw std::invalid_argument("a byte 0 is not JSON");
    }
    return drugs_dosage_from_json(json::parse(json_text), defaults);
}

drugs_dosage drugs_dosage_from_file(const std::string & path, const drugs_dosage & defaults) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::invalid_argument("cannot open '" + path + "'");
    }
    std::stringstream text;
    text << file.rdbuf();
    try {
        return drugs_dosage_from_text(text.str(), defaults);
    } catch (const std::exception & error) { // not JSON, or not doses
        throw std::invalid_argument("'" + path + "' cannot be read as doses: " + error.what());
    }
}
