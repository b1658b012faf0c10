// Doses in a request and in its answer.

#pragma once

#include "drugs-params.h"

#include "server-task.h"

// Reads `"drugs"` of a request into its parameters, on top of the server's options; drugs_dosage_from_json() says what it may
// contain. Without it, the server's own doses apply; `{}` is sober. Under a dose, this chooses the seed (that of "drugs", of the
// request, of the server, or a fresh one), and decoding is greedy unless the request or the server sets a sampler.
// Decides whether the request is computed repeatably: as it says, otherwise as the server's options say.
// Throws std::invalid_argument for a dose that cannot be used or that the server does not allow, and for "repeatable": true if that is
// not possible.
void drugs_read_request(task_params & params, const common_params & base, const json & data);

// The parts of it that other endpoints share. The first reads only "drugs"; the second chooses the seed if "drugs" has none. seed:
// the request's own, if it has one.
drugs_dosage drugs_read_dosage(const drugs_params & server, const json & data);
void         drugs_choose_seed(drugs_dosage & dosage, const common_params & base, const json & data, uint32_t seed);

// Whether several completions can share a prompt that is computed once, except for its last position if that is dosed; otherwise,
// each becomes a task of its own.
bool drugs_can_share_prompt(const task_params & params, const drugs_params & server);

// Creates the n-th additional completion of a task, with its own seeds.
server_task drugs_separate_task(const server_task & task, int id, uint32_t n);

// Adds `"drugs"`, with the doses and the seed, to a finished answer that was dosed or computed repeatably: to each choice if it has
// choices, and to the last event with data of a stream.
void drugs_add_to_response(json & data, const drugs_dosage & dosage, task_response_type type, bool stream);

// Reads which slot a request names, -1 for all of them. Throws std::invalid_argument if there is no such slot.
int drugs_slot_of_request(const std::string & id_slot, int n_slots);
