#include "llama-deep-stack.h"

#if defined(__linux__) || defined(__MINGW32__)

#include <exception>
#include <stdexcept>
#include <string>

#if defined(__linux__)
#include <pthread.h>
#else
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#endif

// Bytes of stack per character: three calls of an optimized build take 320 to 500, those of a sanitized build several
// thousand. Unused stack costs no memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
static const size_t PER_CHARACTER = 16*1024;
#else
static const size_t PER_CHARACTER = 1024;
#endif
static const size_t FOR_THE_REST = 1024*1024;

// Not worth a thread: even a stack of 64 KiB has room for this many characters.
static const size_t N_SHORT = 64*1024/PER_CHARACTER;

struct deep_work {
    const std::function<void()> & work;
    std::exception_ptr            thrown;
};

static void run(deep_work * deep) {
    try {
        deep->work();
    } catch (...) {
        deep->thrown = std::current_exception();
    }
}

// returns false if there is no memory for the stack
#if defined(__linux__)
static bool run_in_thread(size_t stack, deep_work & deep) {
    const auto start = [](void * data) -> void * { return run((deep_work *) data), nullptr; };
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_t  thread;
    const bool started = pthread_attr_setstacksize(&attributes, stack) == 0 && pthread_create(&thread, &attributes, start, &deep) == 0;
    pthread_attr_destroy(&attributes);
    return started && pthread_join(thread, nullptr) == 0;
}
#else
static DWORD WINAPI start(void * data) {
    run((deep_work *) data);
    return 0;
}

static bool run_in_thread(size_t stack, deep_work & deep) {
    const HANDLE thread = CreateThread(nullptr, stack, start, &deep, STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
    if (!thread) {
        return false;
    }
    const bool done = WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0;
    CloseHandle(thread);
    return done;
}
#endif

void llama_run_on_deep_stack(size_t n_characters, const std::function<void()> & work) {
    if (n_characters <= N_SHORT) {
        work();
        return;
    }
    deep_work deep = { work, nullptr };
    if (!run_in_thread(n_characters*PER_CHARACTER + FOR_THE_REST, deep)) {
        throw std::runtime_error("no memory is left for a text of " + std::to_string(n_characters) + " characters: split it");
    }
    if (deep.thrown) {
        std::rethrow_exception(deep.thrown);
    }
}

#else

// libc++'s regular expressions do not recurse, and Microsoft's throw an exception at the end of the stack
void llama_run_on_deep_stack(size_t, const std::function<void()> & work) {
    work();
}

#endif
