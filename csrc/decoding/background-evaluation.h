// Evaluates tokens in a separate thread.

#pragma once

#include "decoder.h"

#include "llama.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

class background_evaluation {
public:
    // Evaluates tokens at positions from n_past on in a sequence. Until it has finished, nothing else may use the context.
    // Throws std::system_error if the system has no thread to spare.
    background_evaluation(llama_context * ctx, std::vector<llama_token> tokens, int32_t n_past, llama_seq_id seq_id);

    // cancels, and waits until it has finished
    ~background_evaluation();

    background_evaluation(const background_evaluation &) = delete;
    background_evaluation & operator=(const background_evaluation &) = delete;

    // makes it finish within moments
    void cancel() { cancelled = true; }

    // waits for at most this long; returns whether it has finished
    bool wait_for(std::chrono::milliseconds time);

    // waits until it has finished
    void wait();

    // whether it has finished and computed all tokens: it was not cancelled and did not fail
    bool is_complete() const { return now == state::complete; }

private:
    enum class state { running, complete, incomplete };

    void compute(const std::vector<llama_token> & tokens, int32_t n_past, llama_seq_id seq_id);

    std::atomic<bool>       cancelled{ false };
    std::atomic<state>      now{ state::running };
    std::mutex              mutex;
    std::condition_variable over;
    decoder                 core;
    std::thread             thread; // last: it starts when all other members exist
};
