// Finds out which of the instructions that our libraries were compiled for a processor lacks. A separate library, compiled for any
// processor and without dependencies, so that it can be loaded before the others.

#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#    define DRUGS_PROCESSOR_API __declspec(dllexport)
#else
#    define DRUGS_PROCESSOR_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// the results of cpuid and xgetbv; all 0 on other architectures
struct drugs_processor {
    uint32_t leaf_1_ecx;
    uint32_t leaf_7_ebx;
    uint32_t leaf_7_ecx;
    uint32_t leaf_7_edx;
    uint32_t leaf_7_1_eax; // of subleaf 1
    uint32_t leaf_7_1_edx;
    uint32_t leaf_80000001_ecx;
    uint32_t xcr0; // which registers the operating system saves
};

// Writes the names in `needed` (the compiler's names, separated by spaces: "AVX2 FMA") that the processor lacks to `names`,
// separated by commas, and returns their number. Unknown names do not count.
DRUGS_PROCESSOR_API int drugs_processor_lacks(
        const char * needed, const struct drugs_processor * processor, char * names, size_t size);

// Writes a line for the user to `message` that says why these libraries cannot run here and what to do about it, and returns 1.
// Returns 0 if they can run. 1000 bytes are enough.
DRUGS_PROCESSOR_API int drugs_processor_refuses(char * message, size_t size);

#ifdef __cplusplus
}
#endif
