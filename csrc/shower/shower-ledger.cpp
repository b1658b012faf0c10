#include "shower-ledger.h"

#include <algorithm>
#include <stdexcept>
#include <string>

static int32_t count(const std::vector<uint8_t> & flags, int32_t start, int32_t end) {
    return (int32_t) std::count(flags.begin() + start, flags.begin() + end, 1);
}

static void check_range(int32_t start, int32_t end) {
    if (start < 0 || end < start) {
        throw std::out_of_range("positions " + std::to_string(start) + " to " + std::to_string(end) +
            " are not possible: they begin at 0 or later and do not end before they begin");
    }
}

void shower_ledger::mark(int32_t start, int32_t end, bool is_dirty) {
    if (start < end) {
        dirty += is_dirty*(end - start) - count(flags, start, end);
        std::fill(flags.begin() + start, flags.begin() + end, (uint8_t) is_dirty);
    }
}

void shower_ledger::computed(int32_t start, int32_t end, bool dosed, int32_t sink) {
    check_range(start, end);
    cut(start);
    flags.resize(end);
    if (dosed) {
        mark(std::max(start, sink), end, true);
    }
}

void shower_ledger::cut(int32_t n_tokens) {
    if (n_tokens < size()) {
        n_tokens = std::max(n_tokens, 0);
        dirty -= count(flags, n_tokens, size());
        flags.resize(n_tokens);
    }
}

void shower_ledger::shift(int32_t n_keep, int32_t n_gone) {
    const int32_t start = std::min(std::max(n_keep, 0), size());
    const int32_t end   = start + std::min(std::max(n_gone, 0), size() - start);
    dirty -= count(flags, start, end);
    flags.erase(flags.begin() + start, flags.begin() + end);
}

int32_t shower_ledger::n_dirty(int32_t n_tokens) const {
    return n_tokens >= size() ? dirty : count(flags, 0, std::max(n_tokens, 0));
}

bool shower_ledger::is_due(int32_t interval, int32_t n_tokens) const {
    const int32_t n = n_dirty(n_tokens);
    return n > 0 && n >= interval;
}

int32_t shower_ledger::until_due(int32_t interval, int32_t n_tokens) const {
    const int32_t n = n_dirty(n_tokens);
    return interval > n ? interval - n : 0;
}

int32_t shower_ledger::first_dirty() const {
    const auto first = dirty > 0 ? std::find(flags.begin(), flags.end(), 1) : flags.end();
    return first == flags.end() ? -1 : (int32_t) (first - flags.begin());
}

void shower_ledger::cleaned(int32_t start, int32_t end) {
    mark(std::max(start, 0), std::min(end, size()), false);
}

void shower_ledger::load(std::vector<uint8_t> positions) {
    flags = std::move(positions);
    dirty = count(flags, 0, size());
}
