// Answers with hidden states, as JSON or as a safetensors file.

#pragma once

#include "drugs-hidden-states.h"

#include "server-http.h"

#include <memory>
#include <string>

// Writes the answer. JSON is sent position by position: as text, the numbers take four times as much memory.
void drugs_write_hidden(server_http_res & res, std::shared_ptr<drugs_hidden_result> result);

// Shape and tokens are not sent in HTTP headers, because many clients and proxies limit these to 8 to 64 KiB.
//
// The same file as from a trace's save() in Python (python/drugs_cpp/traces/files.py), without the logits. The numbers of "hidden"
// come first after the header, in little-endian order.
std::string drugs_hidden_to_safetensors(drugs_hidden_result & result);

// Answers a request. A template, because upstream defines its response type in the file that calls this.
template <typename response>
std::unique_ptr<response> drugs_answer_hidden(std::unique_ptr<response> res, const server_http_req & req, const drugs_hidden_server & server) {
    server_task task(SERVER_TASK_TYPE_HIDDEN_STATES);
    task.id = res->rd.get_new_id();
    try {
        task.hidden_states = std::make_shared<const drugs_hidden_request>(drugs_read_hidden_request(json::parse(req.body), server));
    } catch (const drugs_hidden_error & error) {
        res->error(error.data);
        return res;
    }
    res->rd.post_task(std::move(task));
    auto & queue  = res->rd.queue_tasks;
    auto   result = res->rd.next([&] { return req.should_stop() || !queue.is_running(); });
    if (!result) { // the client has gone, or the server stops
        res->error(format_error_response("the server stops", ERROR_TYPE_UNAVAILABLE));
        return res;
    }
    if (result->is_error()) {
        res->error(result->to_json());
        return res;
    }
    drugs_write_hidden(*res, std::shared_ptr<drugs_hidden_result>(static_cast<drugs_hidden_result *>(result.release())));
    return res;
}
