// The parts of CUDA, and of upstream's header of this name, that random-rotate-cuda.cu uses, for the CPU.

#pragma once

#include "../lockstep.h"

#include "ggml-impl.h"

#include <cmath>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__      static // only one block runs at a time
#define __launch_bounds__(...)

#define WARP_SIZE 32

#define threadIdx (lockstep::size3{ (uint32_t) lockstep::running()->current, 0, 0 })
#define blockIdx  (lockstep::running()->index)
#define blockDim  (lockstep::running()->size)

typedef int cudaStream_t;

struct half {
    ggml_fp16_t bits;
};

static inline float __half2float(half x) {
    return ggml_compute_fp16_to_fp32(x.bits);
}

static inline void __syncthreads() {
    lockstep::barrier();
}

static inline uint32_t __shfl_xor_sync(uint32_t, uint32_t x, int mask, int) {
    return lockstep::exchange(x)[(lockstep::running()->current ^ mask) % WARP_SIZE];
}

static inline float __shfl_xor_sync(uint32_t all, float x, int mask, int width) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    bits = __shfl_xor_sync(all, bits, mask, width);
    memcpy(&x, &bits, sizeof(x));
    return x;
}

template <int width>
static inline float warp_reduce_sum(float x) {
    for (int mask = width/2; mask > 0; mask /= 2) {
        x += __shfl_xor_sync(0xffffffff, x, mask, width);
    }
    return x;
}

static inline void ggml_cuda_pdl_sync() {}
static inline void ggml_cuda_pdl_lc() {}

struct dim3 : lockstep::size3 {
    explicit dim3(int64_t x, int64_t y = 1, int64_t z = 1) : size3{ (uint32_t) x, (uint32_t) y, (uint32_t) z } {}
};

struct ggml_cuda_pool {};

struct ggml_backend_cuda_context {
    ggml_cuda_pool shared;

    ggml_cuda_pool & pool()   { return shared; }
    cudaStream_t     stream() { return 0; }
};

// filled with NaN: a kernel must not read what it has not written
template <typename T>
struct ggml_cuda_pool_alloc {
    std::vector<T> data;

    ggml_cuda_pool_alloc(ggml_cuda_pool &, size_t n) : data(n, (T) NAN) {}

    T * get() { return data.data(); }
};

struct ggml_cuda_kernel_launch_params {
    dim3 grid;
    dim3 size;

    ggml_cuda_kernel_launch_params(dim3 grid, dim3 size, int, cudaStream_t) : grid(grid), size(size) {}
};

template <typename kernel, typename... arguments>
static void ggml_cuda_kernel_launch(kernel run, const ggml_cuda_kernel_launch_params & launch, arguments... args) {
    lockstep::run_grid(launch.grid, launch.size, [&] { run(args...); });
}
