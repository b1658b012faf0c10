// Doses in a request, and in the answer to it.

#pragma once

#include "server-task.h"

// Throws std::invalid_argument: the text of a request is nested so deeply that copying what it says would overflow the stack.
void drugs_check_nesting(const std::string & body);

// Reads `"drugs"` of a request into its parameters, on top of what the server was started with; see
// drugs_dosage_from_json() for what it may hold. Without it the server's own doses hold, `{}` is sober. Where something is
// dosed it settles the seed (of "drugs", of the request, of the server, or a fresh one) and makes decoding greedy unless
// somebody asked for another sampler.
// Throws std::invalid_argument: a dose that cannot be used, or that the server does not allow.
void drugs_read_request(task_params & params, const common_params & base, const json & data);

// Whether several completions can share the prompt that was computed once; where not, each is a task of its own.
bool drugs_can_share_prompt(const task_params & params);

// The n-th further completion of a task, which differs by its seeds.
server_task drugs_separate_task(const server_task & task, int id, uint32_t n);

// Adds `"drugs"`, with the doses and the seed, to a finished answer that was dosed: in each choice where there are some, and
// in the last event that carries data where the answer is a list of events.
void drugs_add_to_response(json & data, const drugs_dosage & dosage, task_response_type type, bool stream);

// The slot that a request names, -1 for all of them. Throws std::invalid_argument: no such slot.
int drugs_slot_of_request(const std::string & id_slot, int n_slots);
