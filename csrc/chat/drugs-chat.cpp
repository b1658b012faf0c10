#include "drugs-chat.h"

#include "drugs-dosage-json.h"
#include "drugs-effect.h"
#include "drugs-messages.h"
#include "drugs-read.h"

#include "common.h"

#include <limits>
#include <stdexcept>

using json = common_json;

std::string drugs_chat::help() {
    return
        "  /dose A=0.2 H=0.1   turn vectors at these sites by up to so many radians; /dose off is sober, /dose shows\n"
        "  /dose mild          by so much that it has this effect on the model; or medium, strong\n"
        "  /seed 5             seed of the noise; /seed -1 draws one for each answer, /seed shows the last\n"
        "  /shower             compute the cache again, sober\n";
}

// Sets `argument` to the rest of a line after a command. false: it is another command
static bool argument_of(const std::string & line, const std::string & name, std::string & argument) {
    if (line.compare(0, name.size(), name) != 0 || (line.size() > name.size() && line[name.size()] != ' ')) {
        return false;
    }
    argument = string_strip(line.substr(name.size()));
    return true;
}

bool drugs_chat::command(const std::string & line, std::string & message) {
    std::string argument;
    if (argument_of(line, "/dose", argument)) {
        message = set_doses(argument);
    } else if (argument_of(line, "/seed", argument)) {
        message = set_seed(argument);
    } else if (argument_of(line, "/shower", argument)) {
        message = shower();
    } else {
        return false;
    }
    return true;
}

std::string drugs_chat::set_doses(const std::string & text) {
    if (text == "off") {
        dosage.thetas = {};
        dosage.effect = 0;
        dosage.source.clear();
    } else if (!text.empty()) {
        drugs_dosage changed = dosage; // so that a mistake changes nothing
        if (changed.effect > 0 || text.find('=') == std::string::npos) { // an effect instead of angles, or angles instead of one
            changed.thetas = {};
            changed.effect = 0;
        }
        drugs_read_doses(changed, text);
        changed.check(std::numeric_limits<double>::infinity());
        dosage = changed;
    }
    const std::string warning = dosage.warning();
    return dosage.sober() ? "Sober." : "Doses: " + shown() + (warning.empty() ? "" : "\nWarning: " + warning + ".");
}

std::string drugs_chat::set_seed(const std::string & text) {
    if (!text.empty()) {
        dosage.set_seed(drugs_read_number("the dose seed", text));
        return dosage.seed == LLAMA_DEFAULT_SEED ? "Each answer draws a seed." : "Seed: " + std::to_string(dosage.seed);
    }
    return was_dosed ? "The last answer had seed " + std::to_string(seed) + "." : "The last answer has no seed: it was sober or did not end.";
}

std::string drugs_chat::shower() {
    const json answer = json::parse(post("/slots/-1?action=shower"));
    const auto n_showered = answer.value("n_showered", (size_t) 0);
    return n_showered == 0 ? "The cache is sober." : "Computed " + std::to_string(n_showered) + " tokens again, sober.";
}

std::string drugs_chat::shown() const {
    std::string text;
    if (dosage.effect > 0) {
        const char * name = drugs_name_of_effect(dosage.effect);
        text = name ? name : json(dosage.effect).dump() + " nats";
    }
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        if (dosage.thetas[site] > 0) {
            const std::string angle = json(dosage.thetas[site]).dump();
            text += (text.empty() ? "" : ", ") + std::string(llama_drugs_site_name((llama_drugs_site) site)) + "=" + angle;
        }
    }
    return text;
}

// of the doses that an answer says it was computed with
static std::string angles_of(const json & drugs) {
    if (!drugs.contains("source")) {
        return "";
    }
    std::string text;
    for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
        const std::string name = llama_drugs_site_name((llama_drugs_site) site);
        const double angle = drugs.value(name, 0.0);
        if (angle > 0) {
            text += (text.empty() ? " | " : ", ") + name + "=" + drugs_number(angle);
        }
    }
    return text + " (" + drugs.at("source").get<std::string>() + ")";
}

void drugs_chat::add_to_request(json & body) {
    json drugs = drugs_dosage_to_json(dosage);
    if (!dosage.sober() && dosage.seed == LLAMA_DEFAULT_SEED) {
        drugs["seed"] = -1; // not the one that the server was started with
    }
    body["drugs"] = drugs;
    was_requested = was_dosed = false; // until the answer has ended
}

void drugs_chat::read_choice(const json & choice) {
    if (!choice.contains("finish_reason") || choice.at("finish_reason").is_null()) {
        return;
    }
    was_requested = !dosage.sober();
    was_dosed     = choice.contains("drugs") && choice.at("drugs").contains("seed");
    angles        = was_dosed ? angles_of(choice.at("drugs")) : "";
    seed          = was_dosed ? choice.at("drugs").value("seed", LLAMA_DEFAULT_SEED) : LLAMA_DEFAULT_SEED;
}

std::string drugs_chat::note() const {
    if (was_dosed) {
        return angles + " | Seed: " + std::to_string(seed);
    }
    return was_requested ? " | not dosed: the server is not `drugs serve`" : "";
}
