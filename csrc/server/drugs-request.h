// Doses in a request and in its answer.

#pragma once

#include "drugs-params.h"

#include "server-task.h"

// Reads `"drugs"` of a request into its parameters, on top of the options of the server; drugs_dosage_from_json() says what
// it may hold. Without it the server's own doses apply, `{}` is sober. Under a dose this chooses the seed (of "drugs", of
// the request, of the server, or a fresh one), and decoding is greedy unless the request or the server sets a sampler.
// Decides whether the request is computed repeatably: as it says, else as the server's options say.
// Throws std::invalid_argument: a dose that cannot be used, or that the server does not allow, or "repeatable": true where
// that cannot be done.
void drugs_read_request(task_params & params, const common_params & base, const json & data);

// The parts of it that other endpoints share. The first reads "drugs" and nothing else; the second chooses the seed where that has
// none; seed: the request's own, if it has one.
drugs_dosage drugs_read_dosage(const drugs_params & server, const json & data);
void         drugs_choose_seed(drugs_dosage & dosage, const common_params & base, const json & data, uint32_t seed);

// Whether several completions can share a prompt that is computed once, but for its last position if that is dosed; if not, each
// becomes a task of its own.
bool drugs_can_share_prompt(const task_params & params, const drugs_params & server);

// Makes the n-th additional completion of a task, which has other seeds.
server_task drugs_separate_task(const server_task & task, int id, uint32_t n);

// Adds `"drugs"`, with the doses and the seed, to a finished answer that was dosed or computed repeatably: to each choice if it has choices, and to
// the last event with data of a stream.
void drugs_add_to_response(json & data, const drugs_dosage & dosage, task_response_type type, bool stream);

// Reads the slot that a request names, -1 for all of them. Throws std::invalid_argument: no such slot.
int drugs_slot_of_request(const std::string & id_slot, int n_slots);
