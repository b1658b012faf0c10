#include "decoder.h"

#include "most-likely.h"

#include <algorithm>
#include <string>

decoder::decoder(llama_context * ctx, std::function<bool()> interrupted) :
    ctx(ctx),
    vocab(llama_model_get_vocab(llama_get_model(ctx))),
    interrupted(std::move(interrupted)),
    batch(llama_batch_init((int32_t) llama_n_batch(ctx), 0, (int32_t) llama_n_seq_max(ctx))) {
    const auto abort = [](void * data) {
        const auto * self = static_cast<decoder *>(data);
        return self->evaluating && self->interrupted();
    };

    llama_set_abort_callback(ctx, abort, this);
}

decoder::~decoder() {
    llama_batch_free(batch);
}

int32_t decoder::n_vocab() const {
    return llama_vocab_n_tokens(vocab);
}

const float * decoder::last_logits() const {
    return llama_get_logits_ith(ctx, -1);
}

void decoder::add(llama_token token, llama_pos pos, const llama_seq_id * seq_ids, size_t n_seq, bool output) {
    const int32_t i = batch.n_tokens++;

    batch.token   [i] = token;
    batch.pos     [i] = pos;
    batch.n_seq_id[i] = (int32_t) n_seq;
    batch.logits  [i] = output;
    std::copy_n(seq_ids, n_seq, batch.seq_id[i]);
}

decoder_status decoder::decode() {
    n_failed = llama_decode(ctx, batch);
    llama_synchronize(ctx);

    return n_failed == 0 ? DECODER_OK : n_failed == 2 ? DECODER_INTERRUPTED : DECODER_FAILED;
}

decoder_status decoder::evaluate(
        const std::vector<llama_token>  & tokens,
        int32_t                           n_past,
        const std::vector<llama_seq_id> & seq_ids,
        bool                              shared,
        bool                              all_logits) {
    const size_t n_copies = shared ? 1 : seq_ids.size();
    const size_t n_step   = std::max<size_t>(1, llama_n_batch(ctx)/n_copies);

    for (size_t first = 0; first < tokens.size(); first += n_step) {
        const size_t end = std::min(tokens.size(), first + n_step);

        batch.n_tokens = 0;
        for (size_t copy = 0; copy < n_copies; ++copy) {
            for (size_t i = first; i < end; ++i) {
                const bool output = all_logits || (i + 1 == tokens.size() && copy + 1 == n_copies);
                add(tokens[i], n_past + (llama_pos) i, &seq_ids[copy], shared ? seq_ids.size() : 1, output);
            }
        }
        evaluating = true;
        const auto status = interrupted() ? DECODER_INTERRUPTED : decode();
        evaluating = false;
        if (status != DECODER_OK) {
            return status;
        }
    }
    return DECODER_OK;
}

decoder_status decoder::step(const std::vector<sequence *> & seqs) {
    batch.n_tokens = 0;
    for (const auto * seq : seqs) {
        if (seq->twin >= 0) {
            add(seq->tokens.back(), seq->n_past, &seq->twin, 1, false); // its logits are not used
        }
        add(seq->tokens.back(), seq->n_past, &seq->seq_id, 1, true);
    }
    const auto status = decode();
    if (status != DECODER_OK) {
        return status;
    }
    for (auto * seq : seqs) {
        if (seq->ledger) {
            seq->ledger->computed(seq->n_past, seq->n_past + 1, seq->dosed, seq->sink);
        }
        seq->n_past++;
    }
    // rows of logits count all tokens of the batch
    int32_t row = 0;
    for (auto * seq : seqs) {
        row += seq->twin >= 0;
        choose(*seq, llama_get_logits_ith(ctx, row++));
    }
    return DECODER_OK;
}

decoder_status decoder::run(const std::vector<sequence *> & seqs, const limits & until) {
    const auto unchanged = [](const auto & counter) { return counter.first->load() == counter.second; };
    const auto has_text  = [](const sequence * seq) { return seq->text.ready(); };
    const auto ended     = [](const sequence * seq) { return seq->end != sequence_end::none; };
    const auto is_due    = [&](const sequence * seq) { return seq->ledger && seq->ledger->is_due(until.sober_interval); };

    for (int32_t i = 0; i < until.n_steps; ++i) {
        if (interrupted()) {
            return DECODER_INTERRUPTED;
        }
        if (!std::all_of(until.unchanged.begin(), until.unchanged.end(), unchanged) || std::any_of(seqs.begin(), seqs.end(), is_due)) {
            break;
        }
        const auto status = step(seqs);
        if (status != DECODER_OK) {
            return status;
        }
        if (std::any_of(seqs.begin(), seqs.end(), ended) || (until.text && std::any_of(seqs.begin(), seqs.end(), has_text))) {
            break;
        }
    }
    return DECODER_OK;
}

void decoder::choose(sequence & seq, const float * logits) {
    const llama_token token = choose_token(seq, logits);

    seq.tokens.push_back(token);
    if (is_end(seq, token)) {
        seq.end = sequence_end::eos;
    } else if (seq.text.add(piece(token))) {
        seq.end = sequence_end::stop;
    } else if ((int64_t) seq.tokens.size() >= (int64_t) seq.n_max + (seq.text.is_cut() ? seq.n_extra : 0)) {
        seq.end = sequence_end::length;
    }
}

llama_token decoder::choose_token(sequence & seq, const float * logits) {
    if (!seq.sampler) {
        return most_likely(logits, n_vocab());
    }
    try {
        return sample(seq.sampler, logits);
    } catch (...) {
        seq.end = sequence_end::failed; // its last token is already in the cache, and must not be fed again
        throw;
    }
}

llama_token decoder::sample(llama_sampler * sampler, const float * logits) {
    candidates.resize(n_vocab());
    for (llama_token token = 0; token < n_vocab(); ++token) {
        candidates[token] = { token, logits[token], 0.0f };
    }
    llama_token_data_array array = { candidates.data(), candidates.size(), -1, false };
    llama_sampler_apply(sampler, &array);
    if (array.selected < 0 || (size_t) array.selected >= array.size) {
        return most_likely(logits, n_vocab()); // the chain only filters
    }
    const llama_token token = array.data[array.selected].id;
    llama_sampler_accept(sampler, token);
    return token;
}

bool decoder::is_end(const sequence & seq, llama_token token) const {
    return llama_vocab_is_eog(vocab, token) ||
        std::find(seq.stop_tokens.begin(), seq.stop_tokens.end(), token) != seq.stop_tokens.end();
}

std::string decoder::piece(llama_token token) const {
    std::string text(32, '\0');
    int32_t n = llama_token_to_piece(vocab, token, text.data(), (int32_t) text.size(), 0, false);
    if (n < 0) {
        text.resize(-n);
        n = llama_token_to_piece(vocab, token, text.data(), (int32_t) text.size(), 0, false);
    }
    text.resize(std::max(n, 0));
    return text;
}
