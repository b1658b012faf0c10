#include "drugs-chat.h"

#include "drugs-dosage-json.h"
#include "drugs-effect.h"
#include "drugs-messages.h"
#include "drugs-read.h"

#include "common.h"
#include "console.h"
#include "drugs-app.h"

#include <cmath>
#include <limits>
#include <stdexcept>

using json = common_json;

static const int32_t MAX_VARIATIONS = 32;

std::string drugs_chat::banner(const std::string & model, const std::string & modalities) const {
    const std::string doses = dosage.sober() ? "none: /dose mild turns one on" : shown();
    const std::string seeds = dosage.seed == LLAMA_DEFAULT_SEED ? "a new one for each answer" : std::to_string(dosage.seed);
    return "\n" + drugs_version() + "\n\n"
        "model  " + model + (modalities == "text" ? "" : " (" + modalities + ")") + "\n"
        "dose   " + doses + "\n"
        "seed   " + seeds + "\n\n"
        "/help lists the commands. Ctrl+C stops an answer.\n";
}

std::string drugs_chat::help() {
    return
        "  /help               list the commands\n"
        "  /dose A=0.2 H=0.1   dose these sites: turn vectors there by up to so many radians; /dose shows the dose\n"
        "  /dose mild          a dose by its effect on the model: mild, medium or strong\n"
        "  /dose off           no dose\n"
        "  /seed 5             seed of the noise; /seed -1 draws one for each answer, /seed shows the last\n"
        "  /variations 4       other answers to the last message, each with a seed of its own\n"
        "  /shower             compute the cache again, without a dose\n";
}

// Sets `argument` to the rest of a line after a command. false: it is another command
static bool argument_of(const std::string & line, const std::string & name, std::string & argument) {
    if (line.compare(0, name.size(), name) != 0 || (line.size() > name.size() && line[name.size()] != ' ')) {
        return false;
    }
    argument = string_strip(line.substr(name.size()));
    return true;
}

bool drugs_chat::command(const std::string & line, const std::string & help, const json & messages, std::string & message) {
    std::string argument;
    if (argument_of(line, "/help", argument)) {
        message = help;
    } else if (argument_of(line, "/variations", argument)) {
        message = variations(argument, messages);
    } else if (argument_of(line, "/dose", argument)) {
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

void drugs_chat::check_text(const std::string & line) {
    const std::string word = line.substr(0, line.find(' '));
    const bool is_path = word.find('/', 1) != std::string::npos || word.find('.') != std::string::npos;
    if (word.size() > 1 && word[0] == '/' && !is_path) {
        throw std::invalid_argument("unknown command " + word + ": /help lists the commands; a space in front makes it text");
    }
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
    const json answer = json::parse(post("/slots/-1?action=shower", "{}"));
    const auto n_showered = answer.value("n_showered", (size_t) 0);
    return n_showered == 0 ? "The cache is sober." : "Computed " + std::to_string(n_showered) + " tokens again, sober.";
}

// the conversation up to the last message of the user
static json up_to_question(const json & messages) {
    size_t n = messages.size();
    while (n > 0 && messages.at(n - 1).at("role") != "user") {
        n--;
    }
    if (n == 0) {
        throw std::invalid_argument("there is no message yet: write one first");
    }
    json some = json::array();
    for (size_t i = 0; i < n; i++) {
        some.push_back(messages.at(i));
    }
    return some;
}

// seed and text of an answer
static std::string variation_of(const json & choice) {
    const json & content = choice.at("message").at("content");
    const bool is_dosed = choice.contains("drugs") && choice.at("drugs").contains("seed");
    const std::string seed = is_dosed ? ", seed " + std::to_string(choice.at("drugs").value("seed", LLAMA_DEFAULT_SEED)) : "";
    return seed + "\n" + (content.is_string() ? content.get<std::string>() : "");
}

std::string drugs_chat::variations(const std::string & text, const json & messages) {
    const double n = text.empty() ? 4 : drugs_read_number("the number of variations", text);
    if (!(n >= 1 && n <= MAX_VARIATIONS && n == std::floor(n))) {
        throw std::invalid_argument("the number of variations is " + text + ": give a whole number, 1 to " + std::to_string(MAX_VARIATIONS));
    }
    const json question = up_to_question(messages);
    std::string shown;
    for (uint32_t i = 0; i < (uint32_t) n; i++) { // one after the other: the server has a single slot
        json body = { { "messages", question } };
        body["drugs"] = requested();
        if (dosage.seed != LLAMA_DEFAULT_SEED) {
            body["drugs"]["seed"] = drugs_later_seed(dosage.seed, i);
        }
        console::spinner::start();
        const json answer = json::parse(post("/v1/chat/completions", body.dump()));
        console::spinner::stop();
        shown += (i == 0 ? "" : "\n\n") + std::to_string(i + 1) + variation_of(answer.at("choices").at((size_t) 0));
    }
    return shown + "\n";
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

json drugs_chat::requested() const {
    json drugs = drugs_dosage_to_json(dosage);
    if (!dosage.sober() && dosage.seed == LLAMA_DEFAULT_SEED) {
        drugs["seed"] = -1; // not the one that the server was started with
    }
    return drugs;
}

void drugs_chat::add_to_request(json & body) {
    body["drugs"] = requested();
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
