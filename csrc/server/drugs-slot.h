// The doses of a slot of the server, the dirty positions of its cache, and their showers.
//
// Text is written after a prompt, so the dirty positions are the last ones. A slot's tokens and its cache agree up to the first
// dirty position; during a shower, positions after it may be missing from the cache.

#pragma once

#include "drugs-dosage.h"
#include "drugs-metrics.h"
#include "drugs-params.h"
#include "shower-ledger.h"

#include "server-common.h"

#include <algorithm>
#include <cstdint>

class drugs_slot {
public:
    // the metrics must outlive the slot
    void init(llama_context * ctx, const common_memory * memory, llama_seq_id seq_id, bool can_remove_part,
            const drugs_params & params, drugs_metrics * metrics);

    // a task begins or ends
    void begin(const drugs_dosage & dosage);
    void end();

    // the cache after the first `n_tokens` has been removed, or will be before anything is decoded
    void truncated(size_t n_tokens);

    // A saved cache of these tokens was loaded into the slot. Throws std::runtime_error if its positions do not belong to these
    // tokens, because the server would end over it later.
    void restored(const server_tokens & tokens);

    // `n_discard` tokens after the first `n_keep` were removed, and the following ones have moved into their place
    void shifted(size_t n_keep, size_t n_discard);

    // another slot's cache was copied into this one's
    void copied_from(const drugs_slot & other) {
        ledger       = other.ledger;
        n_repeatable = other.n_repeatable;
        n_before     = other.n_before;
        showering    = false;
    }

    // the tokens from index `i` on were moved there from elsewhere in the cache
    void moved_to(size_t i) { n_repeatable = std::min(n_repeatable, i); }

    // a cache that was put away has come back; n_repeatable: what n_kept_repeatable() returned then
    void came_back(size_t n_repeatable) { this->n_repeatable = n_repeatable; }

    // how many of the first tokens in the cache were computed repeatably
    size_t n_kept_repeatable(const server_tokens & tokens) const { return std::min(n_repeatable, tokens.size()); }

    // How many of the first tokens in the cache the task may use: the clean ones that were computed in the same way, repeatably or
    // not, and at most the sink if the prompt is dosed.
    size_t n_usable(const server_tokens & tokens) const;

    // the tokens of the prompt are decoded next, after those in the cache
    void start_prompt(const server_tokens & cached, const server_tokens & prompt);

    // Whether the prompt ends after the next token. The last prompt token of a dosed text that is not repeatable gets a batch of
    // its own, as it does if the other tokens are in the cache: a batch of one is rounded differently from a larger one.
    bool is_before_last(int32_t n_past, int32_t n_prompt) const {
        return n_past + 1 == n_prompt && !dosage.sober() && !repeatable;
    }

    // Another slot's cache of this prompt was copied. If the prompt's last position is dosed, it is removed and decoded
    // next; returns true in that case.
    bool repeat_last(server_tokens & cached, const server_tokens & prompt);

    // the next `n` tokens are the model's own
    void start_written(const server_tokens & tokens, size_t n);

    size_t n_clean(const server_tokens & tokens) const;
    size_t n_dirty(const server_tokens & tokens) const { return tokens.size() - n_clean(tokens); }

    // Removes what is dirty. Returns false if this kind of cache can only lose all of it.
    bool drop(server_tokens & tokens);

    //
    // showers
    //

    // requests a shower as soon as possible, however many positions are dirty
    void want_shower() { wanted = true; }

    bool shower_due(const server_tokens & tokens) const;

    // Tokens, including drafts, that can be decoded before a shower is due, so that drafts do not change where showers come.
    int32_t n_until_shower(const server_tokens & tokens) const;

    // Truncates the cache to the first position to compute again.
    void start_shower(const server_tokens & tokens);

    // Adds tokens of the shower to the batch that all slots share, up to `n_batch`. Returns true if the shower is complete.
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

    // For an idle slot: fills a batch with the next tokens of its shower, and drops positions that cannot be showered.
    // Returns false if neither is possible; the cache must not be used then.
    bool fill_idle_shower(server_tokens & tokens, common_batch & batch);

    json to_json(const server_tokens & tokens) const;

private:
    bool misses_cells() const;
    bool can_shower(const server_tokens & tokens) const;
    size_t first_of_shower(const server_tokens & tokens) const;
    void end_shower();

    // Sets `token` and `pos` to the next ones of the shower. Returns false if it is complete and the cache is sober.
    bool next_of_shower(const server_tokens & tokens, llama_token & token, llama_pos & pos);

    llama_context       * ctx     = nullptr;
    const common_memory * memory  = nullptr;
    drugs_metrics       * metrics = nullptr;
    llama_seq_id          seq_id  = -1;

    bool can_remove_part    = true;
    bool keeps_all          = false;
    bool repeats_everything = false; // including tasks without a setting for it, such as embeddings

    drugs_dosage  dosage;
    shower_ledger ledger; // by token index

    bool   repeatable   = false; // of the current computation; it stays after a task has ended, for its shower
    size_t n_repeatable = 0;     // of the first tokens in the cache; more than there are: all of them, and those to come

    bool      dosed    = false; // the context has the dose
    llama_pos n_before = 0;     // positions before the answer
    bool   wanted    = false;
    bool   showering = false; // the cache ends at the first dirty position
    size_t n_showers = 0;
};
