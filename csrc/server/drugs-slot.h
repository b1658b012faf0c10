// What a slot of the server knows of doses: which it has, which positions of its cache are dirty, and how to shower them.
//
// Text is written behind a prompt, so dirty positions are the last ones. A slot's tokens and its cache agree up to the first
// dirty position; what comes behind it may be missing in the cache while a shower is on its way.

#pragma once

#include "drugs-dosage.h"
#include "drugs-metrics.h"

#include "server-common.h"

#include <algorithm>
#include <cstdint>
#include <limits>

class drugs_slot {
public:
    // `n_swa`: size of the model's sliding window, 0 if it has none; the metrics outlive the slot
    void init(llama_context * ctx, const common_memory * memory, llama_seq_id seq_id, bool can_remove_part, int32_t n_swa,
            drugs_metrics * metrics);

    // a task begins or ends
    void begin(const drugs_dosage & dosage);
    void end();

    // the cache behind the first `n_tokens` has been removed, or will be before anything is decoded
    void truncated(size_t n_tokens);

    // `n_discard` tokens behind the first `n_keep` are gone, and what came behind them has moved into their place
    void shifted(size_t n_keep, size_t n_discard);

    // another slot's cache has been copied into this one's
    void copied_from(const drugs_slot & other) { first_dirty = other.first_dirty; showering = false; }

    // how many of the first tokens the task may use as they are: those that are clean, and of a prompt that is to be dosed
    // itself no more than the sink
    size_t n_usable(const server_tokens & tokens) const;

    // from here on the tokens of the prompt are decoded, behind those that are in the cache already
    void start_prompt(const server_tokens & cached, size_t n_prompt);

    // Whether the prompt ends behind the next token. A dosed text begins with its prompt's last token in a batch of its own,
    // as it does where the others are in the cache: a batch of one is rounded otherwise than a larger one.
    bool is_before_last(int32_t n_past, int32_t n_prompt) const { return n_past + 1 == n_prompt && !dosage.sober(); }

    // the next `n` tokens are the model's own
    void start_written(const server_tokens & tokens, size_t n);

    size_t n_clean(const server_tokens & tokens) const { return std::min(first_dirty, tokens.size()); }
    size_t n_dirty(const server_tokens & tokens) const { return tokens.size() - n_clean(tokens); }

    // Removes what is dirty; false: this kind of cache can only lose all of it.
    bool drop(server_tokens & tokens);

    //
    // showers
    //

    // as soon as possible, rather than when so many positions are dirty
    void want_shower() { wanted = true; }

    bool shower_due(const server_tokens & tokens) const;

    // Tokens that can be decoded before one is due, drafts among them: so showers come where they would without drafts.
    int32_t n_until_shower(const server_tokens & tokens) const;

    // Makes the cache end at the first position that is to be computed again.
    void start_shower(const server_tokens & tokens);

    // Adds tokens of the shower to the batch that all slots share, up to `n_batch`. true: that was all.
    template <typename batch_type>
    bool add_shower(batch_type & batch, const server_tokens & tokens, int32_t n_batch) {
        while (batch.size() < n_batch) {
            llama_token token;
            llama_pos   pos;
            if (!next_of_shower(tokens, token, pos)) {
                return true;
            }
            batch.add(seq_id, token, pos, /* output = */ false, /* is_prompt = */ false);
        }
        return false;
    }

    // While nobody uses the slot: fills a batch with what its shower is to compute next. What cannot be showered is dropped.
    // false: that cannot be done, and the cache is not to be used
    bool fill_idle_shower(server_tokens & tokens, common_batch & batch);

    json to_json(const server_tokens & tokens) const;

private:
    static constexpr size_t NONE = std::numeric_limits<size_t>::max();

    bool can_shower(const server_tokens & tokens) const;
    size_t first_of_shower(const server_tokens & tokens) const;
    void end_shower();

    // The next token of the shower: fills `token` and `pos`; false: that was all, and the cache is sober.
    bool next_of_shower(const server_tokens & tokens, llama_token & token, llama_pos & pos);

    llama_context       * ctx     = nullptr;
    const common_memory * memory  = nullptr;
    drugs_metrics       * metrics = nullptr;
    llama_seq_id          seq_id  = -1;

    bool    can_remove_part = true;
    int32_t n_swa           = 0;

    drugs_dosage dosage;
    size_t       first_dirty = NONE; // index of a token

    bool   dosed     = false; // the context has the dose
    bool   wanted    = false;
    bool   showering = false; // the cache ends at the first dirty position
    size_t n_showers = 0;
};
