// Doses in the interactive chat: its commands, and what they change in the requests to the server behind it.

#pragma once

#include "drugs-dosage.h"

#include "json.h"

#include <functional>
#include <string>

class drugs_chat {
public:
    // sends an empty request to a path of the server and returns the answer; throws if that fails
    using post_function = std::function<std::string(const std::string & path)>;

    drugs_chat(const drugs_dosage & dosage, post_function post) : dosage(dosage), post(std::move(post)) {}

    // a line for each command
    static std::string help();

    // Whether a line that the user typed is a command for doses. It has been carried out then: `message` says what became
    // of it. Throws std::exception: it could not be; the message says why.
    bool command(const std::string & line, std::string & message);

    // puts the doses into the body of a request
    void add_to_request(common_json & body);

    // looks at a choice of the answer for what it was made with
    void read_choice(const common_json & choice);

    // what to say behind the last answer: its seed, if it was dosed
    std::string note() const;

private:
    std::string set_doses(const std::string & text);
    std::string set_seed (const std::string & text);
    std::string shower();
    std::string shown() const;

    drugs_dosage        dosage;
    const post_function post;

    // of the last answer
    bool     was_asked = false; // a dose was asked for
    bool     was_dosed = false;
    uint32_t seed      = LLAMA_DEFAULT_SEED;
};
