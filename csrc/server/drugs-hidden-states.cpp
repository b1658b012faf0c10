#include "drugs-hidden-states.h"

#include "drugs-dose.h"
#include "drugs-hidden-context.h"

#include "log.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

static void check_status(int32_t status) {
    if (status < 0) {
        throw std::runtime_error(std::string("cannot read hidden states: ") + llama_drugs_status_text(status));
    }
}

//
// likely tokens
//

// The k most likely tokens; among equally likely ones, the lower id first. NaN comes last.
static std::vector<drugs_hidden_top> most_likely(const float * logits, int32_t n_vocab, int32_t k, const llama_vocab * vocab) {
    const auto key = [&](int32_t id) { return std::isnan(logits[id]) ? -std::numeric_limits<float>::infinity() : logits[id]; };
    std::vector<int32_t> ids(n_vocab);
    std::iota(ids.begin(), ids.end(), 0);
    std::partial_sort(ids.begin(), ids.begin() + k, ids.end(),
        [&](int32_t a, int32_t b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });

    double sum = 0.0;
    for (int32_t id = 0; id < n_vocab; id++) {
        sum += std::exp((double) logits[id] - logits[ids[0]]);
    }
    std::vector<drugs_hidden_top> tops;
    for (int32_t i = 0; i < k; i++) {
        const float logit = logits[ids[i]];
        tops.push_back({ ids[i], common_token_to_piece(vocab, ids[i], true), logit, std::exp((double) logit - logits[ids[0]])/sum });
    }
    return tops;
}

//
// a text
//

static void set_repeatable(llama_context * ctx, drugs_dosage & dosage) {
    if (!dosage.repeatable) {
        dosage.repeatable = llama_drugs_can_repeat(ctx) == 1;
    }
    const int32_t status = llama_drugs_set_repeatable(ctx, 0, *dosage.repeatable);
    if (status < 0 && *dosage.repeatable) {
        throw std::invalid_argument(std::string("Field 'drugs': repeatable is true, and this server cannot: ") + llama_drugs_status_text(status));
    }
}

static void check_model(const drugs_hidden_place & place) {
    if (llama_model_has_encoder(place.model) || !llama_get_memory(place.slots)) {
        throw drugs_hidden_error::not_supported("this model does not write text token by token: hidden states are read from those that do");
    }
}

drugs_hidden_work::drugs_hidden_work(int id, const drugs_hidden_request & request, const drugs_hidden_place & place)
        : result(std::make_unique<drugs_hidden_result>()), vocab(llama_model_get_vocab(place.model)) {
    check_model(place);
    ctx = drugs_open_hidden_context(place.model, *place.params, (int32_t) request.tokens.size(), (int32_t) llama_n_ctx_seq(place.slots));
    result->id      = id;
    result->request = request;
    result->n_embd  = llama_model_n_embd(place.model);
    set_repeatable(ctx.get(), result->request.drugs);
    for (const llama_token token : request.tokens) {
        result->pieces.push_back(common_token_to_piece(vocab, token, true));
    }
    begin_trace();
}

void drugs_hidden_work::begin_trace() {
    const int32_t n_layer = llama_drugs_n_layer(ctx.get());
    const auto    layers  = std::make_unique<bool[]>(n_layer + 1);
    for (const int32_t layer : result->request.layers) {
        layers[layer] = true;
    }
    const llama_trace_params params = { layers.get(), nullptr, nullptr, n_layer, /*.norm =*/ true, /*.logits =*/ result->request.top_k > 0 };
    check_status(llama_trace_begin(ctx.get(), &params));
}

void drugs_hidden_work::compute_some(server_queue & queue) {
    const auto &  request  = result->request;
    const int32_t n_tokens = (int32_t) request.tokens.size();
    if (n_done == request.n_sober()) {
        drugs_dose(ctx.get(), 0, request.drugs, n_tokens);
    }
    const int32_t last = n_done < request.n_sober() ? request.n_sober() : n_tokens; // a batch ends where the doses begin
    const int32_t end  = std::min(n_done + (int32_t) DRUGS_HIDDEN_BATCH, last);
    common_batch batch(ctx.get());
    for (int32_t i = n_done; i < end; i++) {
        const bool wanted = std::binary_search(request.positions.begin(), request.positions.end(), i);
        batch.add(request.tokens[i], i, 0, wanted || i == end - 1);
    }
    int32_t status = 0;
    queue.yield_to_queue([&]() { // only requests for metrics are answered in the meantime; they change nothing here
        status = llama_process(ctx.get(), LLAMA_PROCESS_TYPE_DECODE, batch.get());
    });
    if (status != 0) {
        throw std::runtime_error("llama.cpp could not compute this text (" + std::to_string(status) + ")");
    }
    read_rows();
    n_done = end;
}

void drugs_hidden_work::read_rows() {
    const auto & positions = result->request.positions;
    for (int32_t row = 0; row < llama_trace_n_rows(ctx.get()); row++) {
        llama_seq_id seq_id;
        llama_pos    pos;
        check_status(llama_trace_token(ctx.get(), row, &seq_id, &pos));
        if (std::binary_search(positions.begin(), positions.end(), pos)) {
            read_row(row);
        }
    }
    check_status(llama_trace_clear(ctx.get()));
}

void drugs_hidden_work::read_row(int32_t row) {
    for (const int32_t layer : result->request.layers) {
        const size_t n_before = result->hidden.size();
        read_part(row, LLAMA_TRACE_HIDDEN, layer, result->hidden);
        if (result->hidden.size() != n_before + result->n_embd) {
            throw drugs_hidden_error::not_supported("this model has no hidden to read in layer " + std::to_string(layer) +
                    ": its residual stream was not found there");
        }
    }
    read_part(row, LLAMA_TRACE_NORM, 0, result->norm);

    std::vector<float> logits;
    if (result->request.top_k > 0) {
        read_part(row, LLAMA_TRACE_LOGITS, 0, logits);
    }
    const int32_t n_vocab = llama_vocab_n_tokens(vocab);
    const int32_t k       = (int32_t) logits.size() == n_vocab ? result->request.top_k : 0;
    result->tops.push_back(most_likely(logits.data(), (int32_t) logits.size(), k, vocab));
}

// appends what the model has there, possibly nothing
void drugs_hidden_work::read_part(int32_t row, llama_trace_part part, int32_t layer, std::vector<float> & out) {
    llama_trace_values values;
    const int32_t status = llama_trace_get(ctx.get(), row, part, layer, &values);
    if (status != LLAMA_DRUGS_ERR_TRACE) {
        check_status(status);
        out.insert(out.end(), values.data, values.data + values.n_column*values.n_row);
    }
}

//
// all requests
//

struct drugs_hidden_failure : server_task_result {
    json data;

    bool is_error() override { return true; }
    json to_json() override { return data; }
};

static void send_failure(server_response & results, int id, json data) {
    auto failure = std::make_unique<drugs_hidden_failure>();
    failure->id   = id;
    failure->data = std::move(data);
    results.send(std::move(failure));
}

void drugs_hidden_states::add(const server_task & task, const drugs_hidden_place & place) {
    waiting.push_back({ task.id, task.hidden_states, place });
}

void drugs_hidden_states::compute_some(server_queue & queue, server_response & results) {
    if (waiting.empty()) {
        return;
    }
    const waiting_request first = waiting.front();
    bool ended = true;
    try {
        if (!work) {
            work = std::make_unique<drugs_hidden_work>(first.id, *first.request, first.place);
        }
        work->compute_some(queue);
        ended = work->is_done();
        if (ended) {
            results.send(work->take_result());
        }
    } catch (const drugs_hidden_error & error) {
        send_failure(results, first.id, error.data);
    } catch (const std::invalid_argument & error) {
        send_failure(results, first.id, format_error_response(error.what(), ERROR_TYPE_INVALID_REQUEST));
    } catch (const std::exception & error) {
        SRV_ERR("hidden states: %s\n", error.what());
        send_failure(results, first.id, format_error_response(error.what(), ERROR_TYPE_SERVER));
    }
    if (ended) {
        cancel(first.id);
    }
    if (!waiting.empty()) {
        server_task again(SERVER_TASK_TYPE_NEXT_RESPONSE);
        again.id = queue.get_new_id();
        queue.post(std::move(again));
    }
}

void drugs_hidden_states::cancel(int id_task) {
    if (!waiting.empty() && waiting.front().id == id_task) {
        work.reset();
    }
    waiting.erase(std::remove_if(waiting.begin(), waiting.end(), [&](const auto & one) { return one.id == id_task; }), waiting.end());
}

void drugs_hidden_states::clear() {
    work.reset();
    waiting.clear();
}
