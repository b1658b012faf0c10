// Evaluates tokens in a thread of its own.

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
    // Evaluates tokens at positions from n_past on in a sequence. Until it is over, nobody else may use the context.
    // Throws std::system_error: the system has no thread to spare.
    background_evaluation(llama_context * ctx, std::vector<llama_token> tokens, int32_t n_past, llama_seq_id seq_id);

    // cancels, and waits for the end
    ~background_evaluation();

    background_evaluation(const background_evaluation &) = delete;
    background_evaluation & operator=(const background_evaluation &) = delete;

    // makes it end within moments
    void cancel() { cancelled = true; }

    // waits for so long at most; whether it is over
    bool wait_for(std::chrono::milliseconds time);

    // waits for the end
    void wait();

    // whether it is over and all tokens are computed: it was not cancelled and did not fail
    bool is_complete() const { return now == state::complete; }

private:
    enum class state { running, complete, incomplete };

    void compute(const std::vector<llama_token> & tokens, int32_t n_past, llama_seq_id seq_id);

    std::atomic<bool>       cancelled{ false };
    std::atomic<state>      now{ state::running };
    std::mutex              mutex;
    std::condition_variable over;
    decoder                 core;
    std::thread             thread; // last: it begins when all else is there
};
