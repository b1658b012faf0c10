// Which instructions a processor lacks that our libraries were compiled to use. A library of its own, which is compiled for any
// processor and depends on nothing, so that it can be loaded before the others.

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

// what cpuid and xgetbv say; all of them 0 on other architectures
struct drugs_processor {
    uint32_t leaf_1_ecx;
    uint32_t leaf_7_ebx;
    uint32_t leaf_7_ecx;
    uint32_t leaf_7_edx;
    uint32_t leaf_7_1_eax; // of subleaf 1
    uint32_t leaf_7_1_edx;
    uint32_t leaf_80000001_ecx;
    uint32_t xcr0; // which registers the operating system keeps
};

// Writes the names of those in `needed` (the compiler's, "AVX2 FMA", separated by spaces) that the processor lacks into
// `names`, separated by commas, and returns how many there are. Names that are not known do not count.
DRUGS_PROCESSOR_API int drugs_processor_lacks(
        const char * needed, const struct drugs_processor * processor, char * names, size_t size);

// Writes why these libraries cannot run here and what helps, one line for the user, into `message`, and returns 1;
// returns 0 where they can run. 1000 bytes are enough.
DRUGS_PROCESSOR_API int drugs_processor_refuses(char * message, size_t size);

#ifdef __cplusplus
}
#endif
