// Doses in the interactive chat: its commands, and the doses in its requests to the server.

#pragma once

#include "drugs-dosage.h"

#include "json.h"

#include <functional>
#include <string>

class drugs_chat {
public:
    // sends a request to a path of the server and returns the answer; throws if that fails
    using post_function = std::function<std::string(const std::string & path, const std::string & body)>;

    drugs_chat(const drugs_dosage & dosage, post_function post) : dosage(dosage), post(std::move(post)) {}

    // What is shown first: versions, the model, the dose, the seed, and how to list the commands.
    // model: its name and type. modalities: "text", "text, vision", ...
    std::string banner(const std::string & model, const std::string & modalities) const;

    // the commands for doses, a line each
    static std::string help();

    // Carries out a line that the user typed if it is a command for doses or /help, and sets `message` to its result.
    // help: the list of all commands. messages: the conversation so far.
    // false: it is not such a command. Throws std::exception: it could not be carried out; the message says why.
    bool command(const std::string & line, const std::string & help, const common_json & messages, std::string & message);

    // Throws std::invalid_argument: a line that no command took looks like one, such as "/hlep".
    static void check_text(const std::string & line);

    // puts the doses into the body of a request
    void add_to_request(common_json & body);

    // reads the doses and the seed of the answer from one of its choices
    void read_choice(const common_json & choice);

    // the text to show after the last answer: if it was dosed its seed, and the angles of a dose by its effect
    std::string note() const;

private:
    std::string set_doses(const std::string & text);
    std::string set_seed (const std::string & text);
    std::string shower();
    std::string variations(const std::string & n, const common_json & messages);
    std::string shown() const;

    // the field "drugs" of a request
    common_json requested() const;

    drugs_dosage        dosage;
    const post_function post;

    // of the last answer
    bool     was_requested = false; // the request had a dose
    bool     was_dosed     = false;
    uint32_t seed          = LLAMA_DEFAULT_SEED;

    std::string angles; // of a dose by its effect, and how they were found
};
