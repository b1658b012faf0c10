// Token usage of a request: each of its answers counts its own tokens, and the client gets the sums.

#pragma once

#include "json.h"

#include <cstdint>

class drugs_usage {
public:
    // n_answers: per prompt, whose tokens count once
    explicit drugs_usage(int32_t n_answers) : n_answers(n_answers) {}

    // counts what an answer reports about itself, if anything
    void add(const common_json & answer);

    // writes the sums into an answer that has such an entry
    void put_into(common_json & answer) const;

    // For a stream: counts what an event, or an array of events, reports. Only the event of the last answer keeps the entry, with
    // the sums; other events are removed if they contain nothing else.
    void pass(common_json & events, bool is_last);

private:
    bool pass_one(common_json & event, bool is_last);

    int32_t n_answers;
    int64_t n_written = 0;
    int64_t n_prompt  = 0; // of all answers
    int64_t n_cached  = 0;
};
