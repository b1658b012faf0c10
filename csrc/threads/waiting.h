#pragma once

#include <cstdint>

// Words that threads wait for to change: spinning while that helps, and else asleep.
//
// A word is a number that one thread changes and others wait for. It counts in steps of 2; its lowest bit says that a
// thread sleeps until it changes.

// The count of a word.
uint32_t word_count(const uint32_t * word);

// The count after a count.
constexpr uint32_t word_next(uint32_t count) {
    return count + 2;
}

// Takes a word to its next count, and wakes those that wait for it.
void word_advance(uint32_t * word);

// Waits until a word has another count, in the midst of a graph: the others should be there within microseconds. If they
// are not, somebody else has their processor, and spinning would only take more of it away.
void word_wait_for_others(uint32_t * word, uint32_t count);

// Waits until a word has another count, between two graphs: the next one follows soon, or never.
void word_wait_for_work(uint32_t * word, uint32_t count);
