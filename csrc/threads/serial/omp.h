// OpenMP for a build without it: a parallel region has one thread, as in any compiler that ignores OpenMP's directives.
//
// ggml-cpu.c is compiled with this where the threads of ggml-team.h compute. If the system has no more threads, the caller
// computes alone.

#pragma once

static inline int omp_get_thread_num(void) {
    return 0;
}

static inline int omp_get_num_threads(void) {
    return 1;
}
