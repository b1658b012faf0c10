#include "waiting.h"

#if defined(__linux__) || defined(_WIN32)

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdint>

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

// Nanoseconds. Waking a thread takes some ten microseconds: a thread that has spun several times as long
// loses little if it then sleeps.
static const int64_t LONGEST_FOR_OTHERS = INT64_C(200000);
static const int64_t LONGEST_FOR_WORK   = INT64_C(1000000);

// how often a word is read before the clock is, about a microsecond
static const int QUICK = 16;

// For one thread: how many of its next waits end after a quick look, because spinning was in vain. The number doubles after each
// vain wait, so that a busy machine loses little time on checking whether it is still busy.
struct impatience {
    static constexpr int LEAST = 8, MOST = 512;

    int n_quick = 0;
    int n_next  = LEAST;

    void spun_in_vain() {
        n_quick = n_next;
        n_next  = std::min(MOST, 2*n_next);
    }

    void waited() {
        if (n_quick > 0) {
            --n_quick;
        } else {
            n_next = std::max(LEAST, n_next/2);
        }
    }
};

static thread_local impatience mine;

static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

static int64_t now() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Returns when the word is woken, at once if its value is not this one, and sometimes for no reason.
static void sleep_at(uint32_t * word, uint32_t value) {
#ifdef _WIN32
    WaitOnAddress(word, &value, sizeof(value), INFINITE);
#else
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
#endif
}

static void wake_all(uint32_t * word) {
#ifdef _WIN32
    WakeByAddressAll(word);
#else
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
#endif
}

uint32_t word_count(const uint32_t * word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE) & ~1u;
}

void word_advance(uint32_t * word) {
    if (__atomic_exchange_n(word, word_next(word_count(word)), __ATOMIC_SEQ_CST) & 1) {
        wake_all(word);
    }
}

static bool look(const uint32_t * word, uint32_t count) {
    for (int i = 0; i < QUICK; ++i) {
        if (word_count(word) != count) {
            return true;
        }
        relax();
    }
    return false;
}

// returns false if it took longer, even if the word has changed by then: this thread was not running in the meantime
static bool spin(const uint32_t * word, uint32_t count, int64_t longest) {
    const int64_t end = now() + longest;
    bool changed = false;
    while (!changed) {
        changed = look(word, count);
        if (now() > end) {
            return false;
        }
    }
    return true;
}

static void sleep(uint32_t * word, uint32_t count) {
    while (word_count(word) == count) {
        uint32_t awake = count;
        const uint32_t asleep = count | 1;
        __atomic_compare_exchange_n(word, &awake, asleep, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        sleep_at(word, asleep);
    }
}

void word_wait_for_others(uint32_t * word, uint32_t count) {
    impatience & my = mine;
    if (look(word, count)) {
        my.waited();
        return;
    }
    if (my.n_quick == 0) {
        if (spin(word, count, LONGEST_FOR_OTHERS)) {
            my.waited();
            return;
        }
        my.spun_in_vain();
    } else {
        my.waited();
    }
    sleep(word, count);
}

void word_wait_for_work(uint32_t * word, uint32_t count) {
    if (!look(word, count) && (mine.n_quick > 0 || !spin(word, count, LONGEST_FOR_WORK))) {
        sleep(word, count);
    }
}

#endif
