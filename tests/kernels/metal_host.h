// What the host passes to a Metal kernel.

#pragma once

#include "lockstep.h"

#include <functional>
#include <string>
#include <tuple>
#include <vector>

struct metal_launch {
    std::vector<std::vector<char>> arguments; // of each buffer, or empty if it is a tensor
    std::vector<void *>            tensors;
    std::vector<char>            * shared;
    size_t                         n_taken    = 0;
    int                            n_position = 0;

    const void * bytes(size_t size) {
        if (n_taken >= arguments.size() || arguments[n_taken].size() != size) {
            fprintf(stderr, "buffer %zu: the kernel's struct has %zu bytes, the host's another size\n", n_taken, size);
            exit(1);
        }
        return arguments[n_taken++].data();
    }

    void * pointer() {
        if (n_taken == tensors.size()) {
            return shared->data();
        }
        return tensors[n_taken++];
    }

    // threadgroup_position_in_grid, thread_position_in_threadgroup, threads_per_threadgroup
    lockstep::size3 position() {
        const lockstep::block * b = lockstep::running();
        switch (n_position++) {
            case 0:  return b->index;
            case 1:  return { (uint32_t) b->current, 0, 0 };
            default: return b->size;
        }
    }
};

using metal_kernel = std::function<void(metal_launch)>;

// empty if there is none
metal_kernel metal_kernel_named(const std::string & name);
