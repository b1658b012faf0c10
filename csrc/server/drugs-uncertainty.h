// How sure an answer is: "uncertainty" in a request for a completion has the sober answer come with dosed ones, decoded beside it, and
// with how far these agree with it.

#pragma once

#include "drugs-answers.h"
#include "drugs-params.h"

#include "server-task.h"

#include <cstdint>
#include <functional>
#include <vector>

class drugs_uncertainty {
public:
    drugs_uncertainty() = default; // is not asked

    // Reads "uncertainty" of a request: true, a number of dosed answers, or an object:
    //
    //   "n": 10               dosed answers, 1 to 100
    //   "drugs": "medium"     their doses; without it those of the request, which are the usual ones where those would be sober
    //   "temperature": 0      of the dosed answers
    //   "kind": "auto"        what of a text is its answer: auto, choice, number or text
    //
    // Throws std::invalid_argument: something else, or a request with which it does not go together: a stream, several prompts or
    // answers, an endpoint that has no choices.
    drugs_uncertainty(const drugs_params & server, const json & data, task_response_type type);

    bool is_asked() const { return n > 0; }

    // The sober task and the dosed ones, from one that a request has filled in; new_id gives the ids of tasks.
    std::vector<server_task> tasks(server_task && task, const common_params & base, const std::function<int()> & new_id) const;

    // One answer from an array of all, in the order of the tasks and as OpenAI has them: the sober one, whose choice gets "uncertainty".
    json answer(json answers) const;

private:
    void read_doses(const drugs_params & server, const json & data, const json & own);

    int32_t           n = 0;
    drugs_dosage      dosage;
    json              request; // doses and seed of the dosed answers, as a request has them
    double            temperature = 0;
    drugs_answer_kind kind = DRUGS_ANSWER_AUTO;
    bool              keeps_logprobs = false;
};
