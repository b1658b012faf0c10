#include "background-evaluation.h"

#include <utility>

background_evaluation::background_evaluation(llama_context * ctx, std::vector<llama_token> tokens, int32_t n_past, llama_seq_id seq_id) :
    core(ctx, [this] { return cancelled.load(); }),
    thread([this, tokens = std::move(tokens), n_past, seq_id] { compute(tokens, n_past, seq_id); }) {}

background_evaluation::~background_evaluation() {
    cancel();
    thread.join();
}

void background_evaluation::compute(const std::vector<llama_token> & tokens, int32_t n_past, llama_seq_id seq_id) {
    decoder_status status = DECODER_FAILED;
    try {
        status = core.evaluate(tokens, n_past, { seq_id }, /* shared = */ true);
    } catch (...) {
        // there is no caller to throw to, and an incomplete evaluation is dropped
    }
    const std::lock_guard<std::mutex> lock(mutex);
    now = status == DECODER_OK ? state::complete : state::incomplete;
    over.notify_all();
}

bool background_evaluation::wait_for(std::chrono::milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex);
    return over.wait_for(lock, time, [this] { return now != state::running; });
}

void background_evaluation::wait() {
    std::unique_lock<std::mutex> lock(mutex);
    over.wait(lock, [this] { return now != state::running; });
}
