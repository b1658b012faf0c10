// Hidden states for requests: computed in the server's own thread, batch by batch between the batches of
// its slots, one text at a time.

#pragma once

#include "drugs-hidden-request.h"

#include "llama-cpp.h"
#include "llama-trace.h"
#include "server-queue.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

// a likely next token
struct drugs_hidden_top {
    llama_token id;
    std::string text;
    float       logit;
    double      prob;
};

struct drugs_hidden_result : server_task_result {
    drugs_hidden_request     request; // with the doses that were used
    std::vector<std::string> pieces;  // the text of each token
    int32_t                  n_embd = 0;
    std::vector<float>       hidden;  // [n_embd, n_layers, n_positions]
    std::vector<float>       norm;    // [n_embd, n_positions]; empty: the model has none
    std::vector<std::vector<drugs_hidden_top>> tops; // by position

    // everything but the numbers
    json to_json() override;
};

// what a server uses for the computation
struct drugs_hidden_place {
    llama_model         * model;
    llama_context       * slots; // the context of the slots
    const common_params * params;
};

// a text that is being computed
class drugs_hidden_work {
public:
    // Throws std::runtime_error if there is no memory, std::invalid_argument for "repeatable": true if that is not possible, and
    // drugs_hidden_error if the model has no hidden states to read.
    drugs_hidden_work(int id, const drugs_hidden_request & request, const drugs_hidden_place & place);

    bool is_done() const { return n_done == (int32_t) result->request.tokens.size(); }

    // Computes a batch. Throws std::runtime_error or drugs_hidden_error if it cannot be computed, or if the
    // model has no such hidden states.
    void compute_some(server_queue & queue);

    std::unique_ptr<drugs_hidden_result> take_result() { return std::move(result); }

private:
    void begin_trace();
    void read_rows();
    void read_row(int32_t row);
    void read_part(int32_t row, llama_trace_part part, int32_t layer, std::vector<float> & out);

    std::unique_ptr<drugs_hidden_result> result;
    llama_context_ptr   ctx;
    const llama_vocab * vocab;
    int32_t             n_done = 0; // tokens
};

// The requests of a server. Everything here runs in the thread of its queue.
class drugs_hidden_states {
public:
    // queues a request; what is needed to compute it stays until clear()
    void add(const server_task & task, const drugs_hidden_place & place);

    // Computes a batch of the first request, and answers it after its last batch. Keeps the queue awake while there are requests.
    void compute_some(server_queue & queue, server_response & results);

    // the client has gone
    void cancel(int id_task);

    // the model is unloaded
    void clear();

private:
    struct waiting_request {
        int                                         id;
        std::shared_ptr<const drugs_hidden_request> request;
        drugs_hidden_place                          place;
    };

    std::deque<waiting_request>        waiting; // the first one may have begun
    std::unique_ptr<drugs_hidden_work> work;    // of the first one
};
