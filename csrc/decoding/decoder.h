// Evaluates prompts and decodes sequences together, one batch per step, until there is something to report.

#pragma once

#include "sequence.h"

#include "llama.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

// counts changes of doses; any thread may increment it, so that a running decoder notices
using change_counter = std::atomic<int64_t>;

enum decoder_status {
    DECODER_OK          = 0,
    DECODER_INTERRUPTED = 1,
    DECODER_FAILED      = 2, // decoder::n_failed is what llama_decode() returned
};

class decoder {
public:
    // The only decoder of the context, which must live as long as the context is used, by anyone.
    // interrupted: called before every token, and for every node while the CPU computes a prompt's graph
    decoder(llama_context * ctx, std::function<bool()> interrupted);
    ~decoder();

    decoder(const decoder &) = delete;
    decoder & operator=(const decoder &) = delete;

    // Evaluates tokens at positions from n_past on, in batches of at most n_batch, for each of the sequences: as tokens that they
    // share (shared), or as separate copies, one sequence after the other in the batch.
    // Logits: of the last token of the last sequence; all_logits: of every token, of which llama.cpp keeps those of one batch.
    decoder_status evaluate(const std::vector<llama_token> & tokens, int32_t n_past, const std::vector<llama_seq_id> & seq_ids,
        bool shared, bool all_logits = false);

    // Chooses the next token of a sequence; logits: F32 [n_vocab]. A sampler may throw std::runtime_error, which ends the sequence.
    void choose(sequence & seq, const float * logits);

    struct limits {
        int32_t n_steps;  // maximum number of tokens of each sequence that go into the cache
        bool    text;     // end when a sequence has text to show
        std::vector<std::pair<const change_counter *, int64_t>> unchanged; // end when one of these has another value
        int32_t sober_interval; // end when this many positions are dirty in a sequence's ledger, so that a shower is due
    };

    // Feeds the last token of every sequence and chooses the next one, again and again, until a sequence ends or a limit is
    // reached.
    // Each token is recorded in its sequence's ledger. Throws what a sampler throws, see choose().
    // All sequences must have a token, and none may have ended.
    decoder_status run(const std::vector<sequence *> & seqs, const limits & until);

    const float * last_logits() const; // F32 [n_vocab], NULL before anything was evaluated
    int32_t       n_vocab()     const;

    int32_t n_failed = 0;

private:
    decoder_status decode();
    decoder_status step(const std::vector<sequence *> & seqs);
    void           add(llama_token token, llama_pos pos, const llama_seq_id * seq_ids, size_t n_seq, bool output);
    llama_token    choose_token(sequence & seq, const float * logits);
    llama_token    sample(llama_sampler * sampler, const float * logits);
    bool           is_end(const sequence & seq, llama_token token) const;
    std::string    piece(llama_token token) const;

    llama_context         * ctx;
    const llama_vocab     * vocab;
    std::function<bool()>   interrupted;
    bool                    evaluating = false; // evaluating a prompt, which may take long
    llama_batch             batch;
    std::vector<llama_token_data> candidates;
};
