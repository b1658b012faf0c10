#pragma once

#include <cstdint>

// Words on which threads wait: they spin as long as it helps, and then sleep.
//
// A word is a number that one thread changes and others wait for. It counts in steps of 2; its lowest bit says that a
// thread sleeps until it changes.

// The count of a word.
uint32_t word_count(const uint32_t * word);

// The next count.
constexpr uint32_t word_next(uint32_t count) {
    return count + 2;
}

// Advances a word to its next count, and wakes the threads that wait for it.
void word_advance(uint32_t * word);

// Waits until a word has another count, within a graph: the other threads should arrive within microseconds. If they do not,
// something else has their processor, and spinning would only take more of it away.
void word_wait_for_others(uint32_t * word, uint32_t count);

// Waits until a word has another count, between two graphs: the next one follows soon, or never.
void word_wait_for_work(uint32_t * word, uint32_t count);
