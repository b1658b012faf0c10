#pragma once

// The threads that compute a graph, and how they wait for each other after each op.
//
// Upstream uses OpenMP's threads, which spin until the last one has arrived. This is fast if each of them has a processor of its
// own. If another process takes one of the processors, the others are kept busy until the missing thread runs again, several
// hundred times per token. The threads here spin as well, but only as long as it helps.
//
// Both functions return false if threads are left to OpenMP: on systems other than Linux and Windows, and if a variable of the
// user's environment, OMP_... or GOMP_..., says how OpenMP's threads should run. A build without OpenMP does not read these
// variables. ggml_team_run also returns false if the system has no more threads.

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// Calls compute(data, ith) on n_threads threads at once, with the caller as number 0, and returns when all are done.
bool ggml_team_run(int n_threads, void (*compute)(void * data, int ith), void * data);

// Returns once n_threads threads have called it. n_arrived, n_passed: two atomic ints, initially 0, that these threads share
// and that nothing else changes.
bool ggml_team_barrier(void * n_arrived, void * n_passed, int n_threads);

#ifdef __cplusplus
}
#endif
