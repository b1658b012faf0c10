// Showers of idle slots, and of slots named in a request.
//
// Templates, because upstream defines its slot type in the file that calls these.

#pragma once

#include "drugs-request.h"
#include "drugs-slot.h"

#include "server-queue.h"

struct drugs_shower_result : server_task_result {
    size_t n_showered = 0; // positions computed again
    size_t n_pending  = 0; // positions still to compute: before the next token for a running slot, otherwise when all slots are idle

    json to_json() override { return json { { "n_showered", n_showered }, { "n_pending", n_pending } }; }
};

// Computes a batch of the dirty positions of an idle slot. Returns false if there are none.
template <typename slot_type>
bool drugs_shower_some(std::vector<slot_type> & slots, server_queue & queue, int id_slot = -1) {
    for (slot_type & slot : slots) {
        const bool wanted = !slot.is_processing() && (id_slot == -1 || slot.id == id_slot);
        if (!wanted || slot.drugs.n_dirty(slot.prompt.tokens) == 0) {
            continue;
        }
        common_set_adapter_lora(slot.ctx_tgt, slot.lora);
        llama_set_embeddings(slot.ctx_tgt, false);
        common_batch batch(slot.ctx_tgt);
        bool ok = slot.drugs.fill_idle_shower(slot.prompt.tokens, batch);
        if (ok && batch.size() > 0) {
            queue.yield_to_queue([&]() { // only requests for metrics are answered in the meantime; they change nothing here
                ok = llama_process(slot.ctx_tgt, LLAMA_PROCESS_TYPE_DECODE, batch.get()) == 0;
            });
        }
        if (!ok) {
            slot.prompt_clear();
        }
        return true;
    }
    return false;
}

// Called when all slots are idle: continues their showers, between incoming requests.
template <typename slot_type>
void drugs_shower_idle(std::vector<slot_type> & slots, server_queue & queue) {
    if (drugs_shower_some(slots, queue)) {
        server_task again(SERVER_TASK_TYPE_NEXT_RESPONSE);
        again.id = queue.get_new_id();
        queue.post(std::move(again));
    }
}

// Runs a shower task: for a running slot before its next token, for an idle slot at once if no slot is running, because a
// running slot would have to wait.
template <typename slot_type>
server_task_result_ptr drugs_shower(std::vector<slot_type> & slots, server_queue & queue, const server_task & task,
        const drugs_metrics & metrics) {
    auto result = std::make_unique<drugs_shower_result>();
    result->id = task.id;
    const uint64_t n_before = metrics.n_showered;
    const bool busy = std::any_of(slots.begin(), slots.end(), [](const slot_type & slot) { return slot.is_processing(); });
    for (slot_type & slot : slots) {
        if (task.slot_action.id_slot != -1 && task.slot_action.id_slot != slot.id) {
            continue;
        }
        if (slot.is_processing()) {
            slot.drugs.want_shower();
        }
        while (!busy && drugs_shower_some(slots, queue, slot.id)) {
        }
        result->n_pending += slot.drugs.n_dirty(slot.prompt.tokens);
    }
    result->n_showered = metrics.n_showered - n_before;
    return result;
}

// Answers a request for showers.
template <typename response>
std::unique_ptr<response> drugs_answer_shower(std::unique_ptr<response> res, const server_http_req & req, int n_slots) {
    server_task task(SERVER_TASK_TYPE_SLOT_SHOWER);
    task.id = res->rd.get_new_id();
    task.slot_action.id_slot = drugs_slot_of_request(req.get_param("id_slot"), n_slots);
    res->rd.post_task(std::move(task));
    const auto result = res->rd.next(req.should_stop);
    if (result) { // the client is still there
        res->ok(result->to_json());
    }
    return res;
}

// the number of dirty positions of all slots
template <typename slot_type>
uint64_t drugs_n_dirty(const std::vector<slot_type> & slots) {
    uint64_t n = 0;
    for (const slot_type & slot : slots) {
        n += slot.drugs.n_dirty(slot.prompt.tokens);
    }
    return n;
}
