#include "ggml-team.h"

#if defined(__linux__) || defined(_WIN32)

#include "waiting.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#include <unistd.h>
#endif

// No object in this file has a constructor that runs when the library is loaded: ggml also loads the libraries for other kinds of
// processors before it chooses one.

// OMP_NUM_THREADS does not count: ggml sets the number of threads itself.
static bool user_sets_openmp() {
#ifndef GGML_TEAM_WITHOUT_OPENMP
#ifdef _WIN32
    char ** variable = _environ;
#else
    char ** variable = environ;
#endif
    for (; variable && *variable; ++variable) {
        const char * name = *variable;
        if ((!strncmp(name, "OMP_", 4) || !strncmp(name, "GOMP_", 5)) && strncmp(name, "OMP_NUM_THREADS=", 16) != 0) {
            return true;
        }
    }
#endif
    return false;
}

static bool left_to_openmp() {
    static const bool left = user_sets_openmp();
    return left;
}

//
// barrier
//

bool ggml_team_barrier(void * n_arrived, void * n_passed, int n_threads) {
    if (left_to_openmp()) {
        return false;
    }
    int *      arrived = (int *) n_arrived;
    uint32_t * passed  = (uint32_t *) n_passed;

    const uint32_t count = word_count(passed);
    if (__atomic_add_fetch(arrived, 1, __ATOMIC_SEQ_CST) < n_threads) {
        word_wait_for_others(passed, count);
    } else {
        __atomic_store_n(arrived, 0, __ATOMIC_RELAXED);
        word_advance(passed);
    }
    return true;
}

//
// team
//

namespace {

using compute_t = void (*)(void * data, int ith);

struct worker {
    alignas(64) uint32_t work = 0; // word: advances when there is something to compute
};

// Threads that work for one caller at a time. They live as long as the process, and sleep when there is nothing to do.
class team {
public:
    // throws std::system_error if the system has no more threads; then nothing was computed
    void run(int n_threads, compute_t compute, void * data) {
        while ((int) workers.size() < n_threads - 1) {
            add_worker();
        }
        this->compute = compute;
        this->data    = data;
        __atomic_store_n(&n_left, n_threads - 1, __ATOMIC_RELAXED);
        const uint32_t count = word_count(&done);
        for (int i = 0; i < n_threads - 1; ++i) {
            word_advance(&workers[i].work);
        }
        compute(data, 0);
        word_wait_for_others(&done, count); // the data of the other threads may be freed when this returns
    }

private:
    std::deque<worker> workers; // their addresses stay the same when others are added
    compute_t          compute = nullptr;
    void *             data    = nullptr;

    alignas(64) int      n_left = 0;
    alignas(64) uint32_t done   = 0; // word: advances when no thread is left

    void add_worker() {
        const int ith = (int) workers.size() + 1;
        workers.emplace_back();
        try {
            std::thread([this, ith, &work = workers.back().work] { run_worker(ith, work); }).detach();
        } catch (const std::system_error &) {
            workers.pop_back();
            throw;
        }
    }

    void run_worker(int ith, uint32_t & work) {
#ifndef _WIN32
        pthread_setname_np(pthread_self(), "ggml-team");
#endif
        for (uint32_t count = 0; ; count = word_next(count)) {
            word_wait_for_work(&work, count);
            compute(data, ith);
            if (__atomic_sub_fetch(&n_left, 1, __ATOMIC_ACQ_REL) == 0) {
                word_advance(&done);
            }
        }
    }
};

// One team for each thread that computes at the same time. Teams are never deleted, because their threads may
// still run when the process ends.
class teams {
public:
    team * take() {
        const std::lock_guard<std::mutex> lock(mutex);
        if (idle.empty()) {
            return new team;
        }
        team * last = idle.back();
        idle.pop_back();
        return last;
    }

    void give_back(team * one) {
        const std::lock_guard<std::mutex> lock(mutex);
        idle.push_back(one);
    }

private:
    std::mutex          mutex;
    std::vector<team *> idle;
};

teams * all_teams = nullptr;

teams * get_teams() {
    static const int once = [] {
        all_teams = new teams;
#ifndef _WIN32
        // a child process has none of its parent's threads
        pthread_atfork(nullptr, nullptr, [] { all_teams = new teams; });
#endif
        return 0;
    }();
    (void) once;
    return all_teams;
}

} // namespace

bool ggml_team_run(int n_threads, void (*compute)(void * data, int ith), void * data) {
    if (left_to_openmp()) {
        return false;
    }
    if (n_threads < 2) {
        compute(data, 0);
        return true;
    }
    team * mine = get_teams()->take();
    bool done = true;
    try {
        mine->run(n_threads, compute, data);
    } catch (const std::system_error & error) {
        fprintf(stderr, "%s: no thread for each of %d: %s\n", __func__, n_threads, error.what());
        done = false;
    }
    all_teams->give_back(mine);
    return done;
}

#else

bool ggml_team_run(int, void (*)(void *, int), void *) {
    return false;
}

bool ggml_team_barrier(void *, void *, int) {
    return false;
}

#endif
