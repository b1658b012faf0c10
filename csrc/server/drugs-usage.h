// The tokens of a request: each of its answers counts its own, and the client gets the sums.

#pragma once

#include "json.h"

#include <cstdint>

class drugs_usage {
public:
    // n_answers: to each prompt, whose tokens count once
    explicit drugs_usage(int32_t n_answers) : n_answers(n_answers) {}

    // counts what an answer says of its own; one that says nothing counts nothing
    void add(const common_json & answer);

    // writes the sums into an answer that has such an entry
    void put_into(common_json & answer) const;

    // For a stream: counts what an event, or an array of them, says. Only what comes with the last answer keeps it, as the sums;
    // an event that says nothing but this is taken out of the others.
    void pass(common_json & events, bool is_last);

private:
    bool pass_one(common_json & event, bool is_last);

    int32_t n_answers;
    int64_t n_written = 0;
    int64_t n_prompt  = 0; // of all answers
    int64_t n_cached  = 0;
};
