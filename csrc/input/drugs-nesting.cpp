#include "drugs-nesting.h"

#include "drugs-depth.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#endif

bool drugs_is_too_deep(const std::string & json_text) {
    int  depth     = 0;
    bool in_string = false;
    for (size_t i = 0; i < json_text.size(); i++) {
        const char c = json_text[i];
        if (in_string) {
            i += c == '\\'; // an escaped quotation mark does not end the string
            in_string = c != '"';
        } else {
            in_string = c == '"';
            depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        }
        if (depth > DRUGS_MAX_JSON_DEPTH) {
            return true;
        }
    }
    return false;
}

// the lowest address that this thread's stack, which grows downwards, may reach; 0: unknown
static uintptr_t end_of_stack() {
    [[maybe_unused]] const uintptr_t reserve = 512*1024; // for the functions that are called from here
#if defined(__linux__)
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return 0;
    }
    void * lowest = nullptr;
    size_t size   = 0;
    pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    return (uintptr_t) lowest + reserve;
#elif defined(__APPLE__)
    const uintptr_t highest = (uintptr_t) pthread_get_stackaddr_np(pthread_self());
    return highest - pthread_get_stacksize_np(pthread_self()) + reserve;
#elif defined(_WIN32)
    ULONG_PTR lowest  = 0;
    ULONG_PTR highest = 0;
    GetCurrentThreadStackLimits(&lowest, &highest);
    return (uintptr_t) lowest + reserve;
#else
    return 0;
#endif
}

void drugs_check_stack() {
    static thread_local const uintptr_t end = end_of_stack();
#if defined(__GNUC__) || defined(__clang__)
    if ((uintptr_t) __builtin_frame_address(0) < end) {
        throw std::runtime_error("the template is nested too deeply, or calls itself without an end");
    }
#else
    (void) end;
#endif
}

static bool is_rule_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

std::string drugs_rule_name(const std::string & name) {
    std::string result;
    bool in_run = false;
    for (const char c : name) {
        const bool good = is_rule_character(c);
        if (good) {
            result += c;
        } else if (!in_run) {
            result += '-';
        }
        in_run = !good;
    }
    return result;
}
