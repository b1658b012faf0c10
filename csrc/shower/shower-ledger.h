// Which positions of a sequence's cache are dirty, and when a cold shower is due.
//
// A position is dirty if it was computed under a dose, or if a shower in progress has yet to compute it. The ledger does not know
// the context: the code that computes, shortens or shifts the cache records it here.

#pragma once

#include <cstdint>
#include <limits>
#include <vector>

class shower_ledger {
public:
    // positions in the cache
    int32_t size() const { return (int32_t) flags.size(); }

    // Positions start .. end - 1 were computed: those from `sink` on are dirty if dosed, all others are clean. What the cache held
    // from `end` on is gone. Positions before `start` that were never recorded are clean.
    // Throws std::out_of_range unless 0 <= start <= end.
    void computed(int32_t start, int32_t end, bool dosed, int32_t sink);

    // the sequence was shortened to its first n_tokens positions; if it is not longer than that, nothing happens
    void cut(int32_t n_tokens);

    // n_gone positions after the first n_keep were removed, and those after them have moved into their place
    void shift(int32_t n_keep, int32_t n_gone);

    void clear() { cut(0); }

    // dirty positions among the first n_tokens, which are fewer than size() if the last ones were rejected after they were computed
    int32_t n_dirty(int32_t n_tokens = ALL) const;

    // -1: none
    int32_t first_dirty() const;

    // whether at least `interval` positions are dirty, and at least one
    bool is_due(int32_t interval, int32_t n_tokens = ALL) const;

    // dosed tokens that can still be computed before a shower is due
    int32_t until_due(int32_t interval, int32_t n_tokens = ALL) const;

    // A shower begins: positions start .. end - 1, which are all positions from there on, will be computed
    // again, and are dirty until then.
    void shower_from(int32_t start, int32_t end) { computed(start, end, true, 0); }

    // the shower has computed positions start .. end - 1, which are clean now; later positions are unchanged
    void cleaned(int32_t start, int32_t end);

    // one flag per position, true if it is dirty
    const std::vector<uint8_t> & positions() const { return flags; }
    void load(std::vector<uint8_t> positions);

private:
    static constexpr int32_t ALL = std::numeric_limits<int32_t>::max();

    void mark(int32_t start, int32_t end, bool is_dirty);

    std::vector<uint8_t> flags; // 0 or 1
    int32_t              dirty = 0;
};
