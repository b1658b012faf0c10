// Properties that hold for every input. One that does not hold ends the process, so that the input is kept.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#define FUZZ_CHECK(condition)                                                               \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

// Whether `read` accepts. A refusal says why; every other exception ends the process.
template <typename F>
bool fuzz_accepts(F && read) {
    try {
        read();
        return true;
    } catch (const std::invalid_argument & error) {
        FUZZ_CHECK(error.what()[0] != '\0');
        return false;
    }
}
