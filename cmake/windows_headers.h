// What ggml-cpu.c uses and mingw-w64 10, which Debian 12 has, lacks: see SetThreadInformation in Microsoft's reference.

#pragma once

#include <_mingw.h>

#if __MINGW64_VERSION_MAJOR < 11

#define THREAD_POWER_THROTTLING_CURRENT_VERSION 1
#define THREAD_POWER_THROTTLING_EXECUTION_SPEED 1

typedef struct {
    unsigned long Version;
    unsigned long ControlMask;
    unsigned long StateMask;
} THREAD_POWER_THROTTLING_STATE;

#endif
