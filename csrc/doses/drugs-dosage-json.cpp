#include "drugs-dosage-json.h"

#include "drugs-effect.h"
#include "drugs-messages.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

using json = common_json;

// a value as shown in messages
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

static std::vector<drugs_profile::point> read_course_points(const json & value) {
    if (!value.is_array()) {
        throw std::invalid_argument("the points in the course are " + shown(value) + ": give an array");
    }
    drugs_course::check_count(value.size());
    std::vector<drugs_profile::point> points;
    for (size_t i = 0; i < value.size(); i++) {
        const json & point = check_object("a point in the course", value.at(i));
        if (point.size() != 2 || !point.contains("token") || !point.contains("ratio")) {
            throw std::invalid_argument("a point in the course is " + shown(point) + ": it needs \"token\" and \"ratio\", and nothing else");
        }
        points.push_back({ read_number("a token in the course", point.at("token")), read_number("a ratio in the course", point.at("ratio")) });
    }
    return points;
}

// like a shape: points, or an object with points and a mode
static drugs_course read_course(const json & value) {
    drugs_course course;
    if (value.is_array()) {
        course.profile.points = read_course_points(value);
        return course;
    }
    for (const auto & [key, part] : check_object("the course", value).items()) {
        if (key == "points") {
            course.profile.points = read_course_points(part);
        } else if (key == "mode") {
            course.profile.mode = drugs_mode_of_name(read_string("the mode of the course", part));
        } else {
            throw std::invalid_argument("unknown name " + shown(json(key)) + " in the course: the names are points, mode");
        }
    }
    return course;
}

static json course_to_json(const drugs_course & course) {
    json points = json::array();
    for (const auto & point : course.profile.points) {
        points.push_back({ { "token", (int32_t) point.depth }, { "ratio", point.peakratio } });
    }
    return json { { "points", points }, { "mode", drugs_mode_name(course.profile.mode) } };
}

// true: a direction for each of several answers
static void read_apart(drugs_dosage & dosage, const json & value) {
    if (value.is_boolean()) {
        dosage.set_each_apart(value.get<bool>());
    } else if (value.is_null() || value.is_number()) {
        dosage.set_apart(value.is_null() ? 0 : value.get<double>());
    } else {
        throw std::invalid_argument("apart is " + shown(value) + ": give the number of a direction, or true for one of its own for each answer");
    }
}

static drugs_inputs read_inputs(const json & value) {
    if (value.is_string() && value.get<std::string>() == DRUGS_LAST) {
        return DRUGS_INPUTS_LAST;
    }
    if (!value.is_boolean()) {
        throw std::invalid_argument("dose_inputs is " + shown(value) + ": give true, false or \"last\"");
    }
    return value.get<bool>() ? DRUGS_INPUTS_YES : DRUGS_INPUTS_NO;
}

static json inputs_to_json(drugs_inputs inputs) {
    return inputs == DRUGS_INPUTS_LAST ? json(DRUGS_LAST) : json(inputs == DRUGS_INPUTS_YES);
}

// a number of tokens, or "text" for all of them; an empty site stands for all sites
static void read_hold_at(drugs_dosage & dosage, const std::string & site, const json & value) {
    if (value.is_string() && value.get<std::string>() == DRUGS_HOLD_TEXT) {
        dosage.hold_text(site);
        return;
    }
    if (!value.is_number()) {
        throw std::invalid_argument("the hold" + (site.empty() ? "" : " of " + site) + " is " + shown(value) +
                ": give a whole number of tokens, 1 or more, or \"text\"");
    }
    dosage.set_hold(site, value.get<double>());
}

// {"A": "text", "H": 8}, or one value for all sites
static void read_hold(drugs_dosage & dosage, const json & value) {
    dosage.hold = drugs_fresh();
    if (!value.is_object()) {
        read_hold_at(dosage, "", value);
        return;
    }
    for (const auto & [site, n_tokens] : value.items()) {
        drugs_site_of_name(site);
        read_hold_at(dosage, site, n_tokens);
    }
}

static json hold_to_json(int32_t n_tokens) {
    return n_tokens == 0 ? json(DRUGS_HOLD_TEXT) : json(n_tokens);
}

static json hold_to_json(const drugs_hold & hold) {
    if (std::all_of(hold.begin(), hold.end(), [&](int32_t n) { return n == hold[0]; })) {
        return hold_to_json(hold[0]);
    }
    json data = json::object();
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (hold[site] != 1) {
            data[llama_drugs_site_name((llama_drugs_site) site)] = hold_to_json(hold[site]);
        }
    }
    return data;
}

static void read_theta(drugs_dosage & dosage, const std::string & site, const json & value) {
    drugs_site_of_name(site);
    dosage.set_theta(site, read_number("the dose at " + site + " (radians)", value));
}

static void read_effect(drugs_dosage & dosage, const json & value) {
    if (value.is_string()) {
        dosage.set_effect(value.get<std::string>());
    } else if (!value.is_null()) {
        dosage.set_effect(read_number("the effect (nats)", value));
    }
}

static json effect_to_json(double nats) {
    const char * name = drugs_name_of_effect(nats);
    return name ? json(name) : json(nats);
}

//
// the whole
//

static void read_entry(drugs_dosage & dosage, const std::string & key, const json & value) {
    if (is_site(key)) {
        read_theta(dosage, key, value);
    } else if (key == "effect") {
        read_effect(dosage, value);
    } else if (key == "source") {
        read_string("source", value); // part of an answer: how the angles were found; they are found again
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
    } else if (key == "angle") {
        dosage.set_angle(read_string("the angle", value));
    } else if (key == "turn") {
        dosage.set_turn(read_string("the turn", value));
    } else if (key == "apart") {
        read_apart(dosage, value);
    } else if (key == "course") {
        dosage.set_course(read_course(value));
    } else if (key == "hold") {
        read_hold(dosage, value);
    } else if (key == "layers") {
        dosage.set_layers(read_string("layers", value));
    } else if (key == "sink") {
        dosage.set_sink(read_number("the dose sink", value));
    } else if (key == "dose_inputs") {
        dosage.dose_inputs = read_inputs(value);
    } else if (key == "sober_interval") {
        dosage.set_sober_interval(read_number("the sober interval", value));
    } else if (key == "repeatable") {
        dosage.repeatable = read_bool("repeatable", value);
    } else {
        const std::string meant = drugs_site_like(key);
        const std::string hint = meant.empty() ? "" : " (did you mean \"" + meant + "\"?)";
        throw std::invalid_argument("unknown name " + shown(json(key)) + hint + ": the names are H, Q, K, V, A, pK, pV, M, "
                "effect, shape, multiplier, course, hold, layers, seed, noise, angle, turn, apart, sink, dose_inputs, sober_interval, repeatable");
    }
}

drugs_dosage drugs_dosage_from_json(const json & data, const drugs_dosage & defaults) {
    drugs_dosage dosage = defaults;
    dosage.thetas     = {};
    dosage.effect     = 0;
    dosage.source.clear();
    dosage.shapes     = {};
    dosage.multiplier = 1.0;
    dosage.hold       = drugs_fresh();
    dosage.shared_layers = false;
    dosage.course = {};
    dosage.each_apart = false;
    dosage.kinds  = { defaults.kinds.noise, LLAMA_DRUGS_ANGLE_UNIFORM, LLAMA_DRUGS_TURN_ROTATION, 0 };
    if (data.is_string()) {
        read_effect(dosage, data);
        return dosage;
    }
    if (!data.is_object()) {
        throw std::invalid_argument("the value is " + shown(data) + ": give an object such as {\"A\": 0.3}, or " + drugs_effect_names());
    }
    for (const auto & [key, value] : data.items()) {
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
    if (dosage.effect > 0) {
        data["effect"] = effect_to_json(dosage.effect);
    }
    if (!dosage.source.empty()) {
        data["source"] = dosage.source;
    }
    if (!shapes.empty()) {
        data["shape"] = shapes;
    }
    if (dosage.multiplier != 1.0) {
        data["multiplier"] = dosage.multiplier;
    }
    if (dosage.hold != drugs_fresh()) {
        data["hold"] = hold_to_json(dosage.hold);
    }
    if (dosage.shared_layers) {
        data["layers"] = drugs_layers_name(true);
    }
    if (dosage.seed != LLAMA_DEFAULT_SEED) {
        data["seed"] = dosage.seed;
    }
    if (!dosage.course.empty()) {
        data["course"] = course_to_json(dosage.course);
    }
    const drugs_kinds usual;
    if (dosage.kinds.angle != usual.angle) {
        data["angle"] = drugs_angle_name(dosage.kinds.angle);
    }
    if (dosage.kinds.turn != usual.turn) {
        data["turn"] = drugs_turn_name(dosage.kinds.turn);
    }
    if (dosage.kinds.apart != 0) {
        data["apart"] = dosage.kinds.apart;
    }
    data["noise"]          = drugs_noise_name(dosage.kinds.noise);
    data["sink"]           = dosage.n_sink;
    data["dose_inputs"]    = inputs_to_json(dosage.dose_inputs);
    data["sober_interval"] = dosage.sober_interval;
    if (dosage.repeatable) {
        data["repeatable"] = *dosage.repeatable;
    }
    return data;
}

drugs_dosage drugs_dosage_from_text(const std::string & json_text, const drugs_dosage & defaults) {
    if (json_text.find('\0') != std::string::npos) { // the parser would treat it as the end
        throw std::invalid_argument("a byte 0 is not JSON");
    }
    return drugs_dosage_from_json(json::parse(json_text), defaults);
}

drugs_dosage drugs_dosage_from_file(const std::string & path, const drugs_dosage & defaults) {
    std::ifstream file(std::filesystem::u8path(path), std::ios::binary);
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
