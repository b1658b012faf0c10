#pragma once

// The threads that compute a graph, and how they wait for each other after each op.
//
// Upstream takes OpenMP's threads, which spin until the last one has come. That is fast where each has a processor of its
// own. Where another process takes one of the processors, they burn the others until the missing one runs again, several
// hundred times a token. These threads spin as long only while that helps.
//
// Both functions return false where all of this is left to OpenMP: on other systems than Linux, and where a variable of
// the user's environment, OMP_... or GOMP_..., says how OpenMP's threads are to run. ggml_team_run does so as well where
// the system has no more threads.

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// Calls compute(data, ith) on n_threads threads at once, of which the caller is number 0, and returns when all are done.
bool ggml_team_run(int n_threads, void (*compute)(void * data, int ith), void * data);

// Returns once n_threads threads have called it. n_arrived, n_passed: two atomic ints, 0 at first, that these threads
// share and that nothing else changes.
bool ggml_team_barrier(void * n_arrived, void * n_passed, int n_threads);

#ifdef __cplusplus
}
#endif
