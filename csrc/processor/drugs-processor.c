#include "drugs-processor.h"

#include "drugs-built-for.h"

#include <string.h>
#include <stdio.h>

#if defined(__x86_64__) && defined(__GNUC__)
#    include <cpuid.h>
#    define CAN_TELL 1
#else
#    define CAN_TELL 0
#endif

#define OSXSAVE (1u << 27) // leaf 1, ecx: xgetbv can be used
#define AVX     0x06u      // xcr0: the registers of AVX
#define AVX512  0xe6u      // and those of AVX-512

struct instruction_set {
    const char * name; // the compiler's macro without the underscores around it
    size_t       word; // in struct drugs_processor
    int          bit;
    uint32_t     xcr0; // registers that it needs
};

#define WORD(name) offsetof(struct drugs_processor, name)

// The ones used by ggml's code, or by what a compiler makes of it. AMX is not among them, because ggml checks for it itself.
static const struct instruction_set INSTRUCTION_SETS[] = {
    { "SSE3",            WORD(leaf_1_ecx),         0, 0      },
    { "SSSE3",           WORD(leaf_1_ecx),         9, 0      },
    { "FMA",             WORD(leaf_1_ecx),        12, AVX    },
    { "SSE4_1",          WORD(leaf_1_ecx),        19, 0      },
    { "SSE4_2",          WORD(leaf_1_ecx),        20, 0      },
    { "MOVBE",           WORD(leaf_1_ecx),        22, 0      },
    { "POPCNT",          WORD(leaf_1_ecx),        23, 0      },
    { "AVX",             WORD(leaf_1_ecx),        28, AVX    },
    { "F16C",            WORD(leaf_1_ecx),        29, AVX    },
    { "BMI",             WORD(leaf_7_ebx),         3, 0      },
    { "AVX2",            WORD(leaf_7_ebx),         5, AVX    },
    { "BMI2",            WORD(leaf_7_ebx),         8, 0      },
    { "AVX512F",         WORD(leaf_7_ebx),        16, AVX512 },
    { "AVX512DQ",        WORD(leaf_7_ebx),        17, AVX512 },
    { "AVX512IFMA",      WORD(leaf_7_ebx),        21, AVX512 },
    { "AVX512CD",        WORD(leaf_7_ebx),        28, AVX512 },
    { "AVX512BW",        WORD(leaf_7_ebx),        30, AVX512 },
    { "AVX512VL",        WORD(leaf_7_ebx),        31, AVX512 },
    { "AVX512VBMI",      WORD(leaf_7_ecx),         1, AVX512 },
    { "AVX512VBMI2",     WORD(leaf_7_ecx),         6, AVX512 },
    { "GFNI",            WORD(leaf_7_ecx),         8, 0      },
    { "AVX512VNNI",      WORD(leaf_7_ecx),        11, AVX512 },
    { "AVX512BITALG",    WORD(leaf_7_ecx),        12, AVX512 },
    { "AVX512VPOPCNTDQ", WORD(leaf_7_ecx),        14, AVX512 },
    { "AVX512FP16",      WORD(leaf_7_edx),        23, AVX512 },
    { "AVXVNNI",         WORD(leaf_7_1_eax),       4, AVX    },
    { "AVX512BF16",      WORD(leaf_7_1_eax),       5, AVX512 },
    { "AVXIFMA",         WORD(leaf_7_1_eax),      23, AVX    },
    { "AVXVNNIINT8",     WORD(leaf_7_1_edx),       4, AVX    },
    { "AVXNECONVERT",    WORD(leaf_7_1_edx),       5, AVX    },
    { "AVXVNNIINT16",    WORD(leaf_7_1_edx),      10, AVX    },
    { "LZCNT",           WORD(leaf_80000001_ecx),  5, 0      },
    { "XOP",             WORD(leaf_80000001_ecx), 11, AVX    },
    { "FMA4",            WORD(leaf_80000001_ecx), 16, AVX    },
    { "TBM",             WORD(leaf_80000001_ecx), 21, 0      },
};

static int has(const struct drugs_processor * processor, const struct instruction_set * set) {
    uint32_t word;
    memcpy(&word, (const char *) processor + set->word, sizeof(word));
    return (word >> set->bit & 1) && (processor->xcr0 & set->xcr0) == set->xcr0;
}

static int is_one_of(const char * name, const char * names) {
    const size_t length = strlen(name);
    for (const char * at = strstr(names, name); at; at = strstr(at + 1, name)) {
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return 1;
        }
    }
    return 0;
}

int drugs_processor_lacks(const char * needed, const struct drugs_processor * processor, char * names, size_t size) {
    int    n_missing = 0;
    size_t used      = 0;
    names[0] = '\0';
    for (size_t i = 0; i < sizeof(INSTRUCTION_SETS) / sizeof(INSTRUCTION_SETS[0]); i++) {
        const struct instruction_set * set = &INSTRUCTION_SETS[i];
        if (!is_one_of(set->name, needed) || has(processor, set)) {
            continue;
        }
        const int length = snprintf(names + used, size - used, "%s%s", n_missing ? ", " : "", set->name);
        used += (size_t) length < size - used ? (size_t) length : size - used - 1;
        n_missing++;
    }
    return n_missing;
}

#if CAN_TELL
static struct drugs_processor this_processor(void) {
    struct drugs_processor found = { 0 };
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        found.leaf_1_ecx = ecx;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        found.leaf_7_ebx = ebx;
        found.leaf_7_ecx = ecx;
        found.leaf_7_edx = edx;
        if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
            found.leaf_7_1_eax = eax;
            found.leaf_7_1_edx = edx;
        }
    }
    if (__get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx)) {
        found.leaf_80000001_ecx = ecx;
    }
    if (found.leaf_1_ecx & OSXSAVE) {
        __asm__ volatile("xgetbv" : "=a"(found.xcr0), "=d"(edx) : "c"(0));
#if defined(__APPLE__)
        found.xcr0 |= AVX512; // macOS saves these registers from their first use on
#endif
    }
    return found;
}
#endif

int drugs_processor_refuses(char * message, size_t size) {
#if CAN_TELL
    char names[512];
    const struct drugs_processor processor = this_processor();
    if (drugs_processor_lacks(DRUGS_BUILT_FOR, &processor, names, sizeof(names))) {
        snprintf(message, size,
            "this copy was built for another processor, and this one lacks %s: build it again on this machine, "
            "or with CMAKE_ARGS=-DGGML_NATIVE=OFF for every processor that has AVX2", names);
        return 1;
    }
#endif
    (void) message;
    (void) size;
    return 0;
}
