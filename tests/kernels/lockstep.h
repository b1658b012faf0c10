// Runs GPU kernels on the CPU: the threads of a block take turns, and each runs until it has to wait for others. Slow,
// exact, and strict: it is an error if the threads of a block wait for different things.

#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

namespace lockstep {

struct size3 {
    uint32_t x = 1;
    uint32_t y = 1;
    uint32_t z = 1;
};

static constexpr int    SIMD       = 32;
static constexpr size_t STACK_SIZE = 64*1024;

// a point that all threads of a group must reach before any of them continues
struct meeting {
    int n_arrived = 0;
    int n_times   = 0;
};

struct block {
    struct thread {
        ucontext_t              beginning;
        jmp_buf                 place; // where it waits
        std::unique_ptr<char[]> stack;
        bool                    begun = false;
        bool                    done  = false;
    };

    jmp_buf              scheduler;
    std::vector<thread>  threads;
    int                  current = 0;
    bool                 moved   = false; // whether anything happened since the last round
    meeting              all;
    std::vector<meeting> simd;
    std::vector<std::array<uint32_t, SIMD>> exchanged;
    std::function<void()> begin; // called before each block
    std::function<void()> body;
    size3                index;
    size3                size;
};

inline block *& running() {
    static block * of = nullptr;
    return of;
}

// Jumps instead of swapcontext(), which makes two system calls each time. They go from stack to stack, within one process.
inline void yield() {
    block * b = running();
    if (_setjmp(b->threads[b->current].place) == 0) {
        _longjmp(b->scheduler, 1);
    }
}

// runs a thread until it waits
inline void resume(block & b, block::thread & t) {
    if (_setjmp(b.scheduler) != 0) {
        return;
    }
    if (t.begun) {
        _longjmp(t.place, 1);
    }
    t.begun = true;
    setcontext(&t.beginning);
}

inline void meet(meeting & at, int n) {
    block * b = running();
    b->moved = true;
    const int time = at.n_times;
    if (++at.n_arrived == n) {
        at.n_arrived = 0;
        at.n_times++;
        return;
    }
    while (at.n_times == time) {
        yield();
    }
    b->moved = true;
}

inline void barrier() {
    block * b = running();
    meet(b->all, (int) b->threads.size());
}

// the numbers that the threads of the SIMD group pass to each other
inline std::array<uint32_t, SIMD> exchange(uint32_t mine) {
    block * b = running();
    const int group = b->current/SIMD;
    b->exchanged[group][b->current % SIMD] = mine;
    meet(b->simd[group], SIMD);
    const std::array<uint32_t, SIMD> theirs = b->exchanged[group];
    meet(b->simd[group], SIMD); // nothing is overwritten before the others have read it
    return theirs;
}

inline void enter() {
    block * b = running();
    b->body();
    b->threads[b->current].done = true;
    b->moved = true;
    yield();
}

inline void run_block(block & b) {
    running() = &b;
    b.begin();
    for (auto & t : b.threads) {
        t.begun = false;
        t.done  = false;
        getcontext(&t.beginning);
        t.beginning.uc_stack.ss_sp   = t.stack.get();
        t.beginning.uc_stack.ss_size = STACK_SIZE;
        t.beginning.uc_link          = nullptr;
        makecontext(&t.beginning, enter, 0);
    }
    for (bool left = true; left;) {
        left    = false;
        b.moved = false;
        for (b.current = 0; b.current < (int) b.threads.size(); ++b.current) {
            if (!b.threads[b.current].done) {
                resume(b, b.threads[b.current]);
                left = true;
            }
        }
        if (left && !b.moved) {
            fprintf(stderr, "threads of a block wait for different things\n");
            exit(1);
        }
    }
    running() = nullptr;
}

// body: the kernel, for the thread given by running(); begin: called before each block
inline void run_grid(size3 grid, size3 size, const std::function<void()> & body, const std::function<void()> & begin = [] {}) {
    if (size.x == 0 || size.x % SIMD != 0 || size.x > 1024 || size.y != 1 || size.z != 1 || grid.y > 65535 || grid.z > 65535) {
        fprintf(stderr, "blocks of %u threads in a grid of %u x %u x %u cannot be launched\n", size.x, grid.x, grid.y, grid.z);
        exit(1);
    }
    block b;
    b.begin = begin;
    b.body  = body;
    b.size = size;
    b.threads.resize(size.x);
    b.simd.resize(size.x/SIMD);
    b.exchanged.resize(size.x/SIMD);
    for (auto & t : b.threads) {
        t.stack.reset(new char[STACK_SIZE]);
    }
    for (b.index.z = 0; b.index.z < grid.z; ++b.index.z) {
        for (b.index.y = 0; b.index.y < grid.y; ++b.index.y) {
            for (b.index.x = 0; b.index.x < grid.x; ++b.index.x) {
                run_block(b);
            }
        }
    }
}

} // namespace lockstep
