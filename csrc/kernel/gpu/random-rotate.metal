// The random rotations on Apple GPUs. cmake/MetalSource.cmake replaces each #include by the file and stores the
// result as text, which random-rotate-metal.cpp compiles when it first meets one of the ops. A kernel's parameters
// are in the order of their buffers.

// upstream's loader treats a warning as a failure
#pragma clang diagnostic ignored "-Weverything"

#include <metal_stdlib>

using namespace metal;

#define RANDOM_ROTATE_ON_GPU inline

static RANDOM_ROTATE_ON_GPU float random_rotate_simd_xor(float x, int mask) {
    return simd_shuffle_xor(x, (ushort) mask);
}

static RANDOM_ROTATE_ON_GPU float random_rotate_simd_sum(float x) {
    return simd_sum(x);
}

static RANDOM_ROTATE_ON_GPU uint random_rotate_simd_max(uint x) {
    return simd_max(x);
}

static RANDOM_ROTATE_ON_GPU void random_rotate_barrier() {
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

// nothing to do: upstream's barriers between kernels have already waited
static RANDOM_ROTATE_ON_GPU void random_rotate_wait() {
}

static RANDOM_ROTATE_ON_GPU float random_rotate_half(device const char * at) {
    return (float) *(device const half *) at;
}

#include "random-rotate-gpu.h"
#include "random-rotate-gpu-scores.h"
#include "random-rotate-gpu-finish.h"

//
// rows
//

// grid: (n_head*n_tokens)
template <int n_quads>
[[max_total_threads_per_threadgroup(RANDOM_ROTATE_MAX_THREADS)]]
kernel void kernel_random_rotate_rows(
        constant random_rotate_rows_args & args   [[buffer(0)]],
        device const char                * x      [[buffer(1)]],
        device const float               * doses  [[buffer(2)]],
        device const int32_t             * tokens [[buffer(3)]],
        device const char                * heads  [[buffer(4)]],
        device float                     * y      [[buffer(5)]],
        threadgroup float                * shared [[threadgroup(0)]],
        uint3 group [[threadgroup_position_in_grid]],
        uint3 me    [[thread_position_in_threadgroup]],
        uint3 n     [[threads_per_threadgroup]]) {
    const random_rotate_block block = { (int32_t) me.x, (int32_t) n.x, shared };
    random_rotate_row<n_quads>(block, args, x, doses, tokens, heads, y, group.x);
}

typedef decltype(kernel_random_rotate_rows<1>) kernel_random_rotate_rows_t;

template [[host_name("kernel_random_rotate_rows_0")]] kernel kernel_random_rotate_rows_t kernel_random_rotate_rows<0>; // long rows
template [[host_name("kernel_random_rotate_rows_1")]] kernel kernel_random_rotate_rows_t kernel_random_rotate_rows<1>;
template [[host_name("kernel_random_rotate_rows_4")]] kernel kernel_random_rotate_rows_t kernel_random_rotate_rows<4>;
template [[host_name("kernel_random_rotate_rows_8")]] kernel kernel_random_rotate_rows_t kernel_random_rotate_rows<8>;

//
// keys
//

// grid: (n_tiles*n_row_blocks, n_head_kv, n_stream)
template <typename cache>
[[max_total_threads_per_threadgroup(RANDOM_ROTATE_THREADS)]]
kernel void kernel_random_rotate_scores(
        constant random_rotate_scores_args      & args   [[buffer(0)]],
        device const char                       * q      [[buffer(1)]],
        device const char                       * k      [[buffer(2)]],
        device const float                      * doses  [[buffer(3)]],
        device const int32_t                    * tokens [[buffer(4)]],
        device const int32_t                    * cells  [[buffer(5)]],
        device const char                       * mask   [[buffer(6)]],
        device float                            * y      [[buffer(7)]],
        threadgroup random_rotate_scores_shared * shared [[threadgroup(0)]],
        uint3 group [[threadgroup_position_in_grid]],
        uint3 me    [[thread_position_in_threadgroup]]) {
    const int32_t n_tiles = (args.n_kv + RANDOM_ROTATE_CELLS - 1)/RANDOM_ROTATE_CELLS;
    random_rotate_scores_block<cache>(args, q, k, doses, tokens, cells, mask, y, group.x % n_tiles*RANDOM_ROTATE_CELLS,
        group.x / n_tiles*RANDOM_ROTATE_ROWS, group.y, group.z, me.x, shared);
}

typedef decltype(kernel_random_rotate_scores<random_rotate_f32>) kernel_random_rotate_scores_t;

template [[host_name("kernel_random_rotate_scores_f32")]]  kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_f32>;
template [[host_name("kernel_random_rotate_scores_f16")]]  kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_f16>;
template [[host_name("kernel_random_rotate_scores_bf16")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_bf16>;
template [[host_name("kernel_random_rotate_scores_q8_0")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_q8_0>;
template [[host_name("kernel_random_rotate_scores_q4_0")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_q4_0>;
template [[host_name("kernel_random_rotate_scores_q4_1")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_q4_1>;
template [[host_name("kernel_random_rotate_scores_q5_0")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_q5_0>;
template [[host_name("kernel_random_rotate_scores_q5_1")]] kernel kernel_random_rotate_scores_t kernel_random_rotate_scores<random_rotate_q5_1>;

//
// values
//

// grid: (n_chunks*n_row_blocks, n_head_kv, n_stream)
template <typename cache>
[[max_total_threads_per_threadgroup(RANDOM_ROTATE_THREADS)]]
kernel void kernel_random_rotate_values(
        constant random_rotate_values_args      & args   [[buffer(0)]],
        device const char                       * p      [[buffer(1)]],
        device const char                       * v      [[buffer(2)]],
        device const float                      * doses  [[buffer(3)]],
        device const int32_t                    * tokens [[buffer(4)]],
        device const int32_t                    * cells  [[buffer(5)]],
        device float                            * parts  [[buffer(6)]],
        threadgroup random_rotate_values_shared * shared [[threadgroup(0)]],
        uint3 group [[threadgroup_position_in_grid]],
        uint3 me    [[thread_position_in_threadgroup]]) {
    random_rotate_values_block<cache>(args, p, v, doses, tokens, cells, parts, group.x % args.n_chunks,
        group.x / args.n_chunks*RANDOM_ROTATE_ROWS, group.y, group.z, me.x, shared);
}

// grid: (n_tokens*n_head*n_stream)
template <typename cache>
[[max_total_threads_per_threadgroup(RANDOM_ROTATE_MAX_THREADS)]]
kernel void kernel_random_rotate_values_finish(
        constant random_rotate_values_args      & args   [[buffer(0)]],
        device const char                       * v      [[buffer(1)]],
        device const float                      * doses  [[buffer(2)]],
        device const int32_t                    * tokens [[buffer(3)]],
        device const float                      * parts  [[buffer(4)]],
        device float                            * y      [[buffer(5)]],
        threadgroup random_rotate_finish_shared * shared [[threadgroup(0)]],
        uint3 group [[threadgroup_position_in_grid]],
        uint3 me    [[thread_position_in_threadgroup]],
        uint3 n     [[threads_per_threadgroup]]) {
    random_rotate_values_finish<cache>(me.x, n.x, args, v, doses, tokens, parts, y, group.x, shared);
}

typedef decltype(kernel_random_rotate_values<random_rotate_f32>)        kernel_random_rotate_values_t;
typedef decltype(kernel_random_rotate_values_finish<random_rotate_f32>) kernel_random_rotate_values_finish_t;

template [[host_name("kernel_random_rotate_values_f32")]]  kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_f32>;
template [[host_name("kernel_random_rotate_values_f16")]]  kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_f16>;
template [[host_name("kernel_random_rotate_values_bf16")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_bf16>;
template [[host_name("kernel_random_rotate_values_q8_0")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_q8_0>;
template [[host_name("kernel_random_rotate_values_q4_0")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_q4_0>;
template [[host_name("kernel_random_rotate_values_q4_1")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_q4_1>;
template [[host_name("kernel_random_rotate_values_q5_0")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_q5_0>;
template [[host_name("kernel_random_rotate_values_q5_1")]] kernel kernel_random_rotate_values_t kernel_random_rotate_values<random_rotate_q5_1>;

template [[host_name("kernel_random_rotate_values_finish_f32")]]  kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_f32>;
template [[host_name("kernel_random_rotate_values_finish_f16")]]  kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_f16>;
template [[host_name("kernel_random_rotate_values_finish_bf16")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_bf16>;
template [[host_name("kernel_random_rotate_values_finish_q8_0")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_q8_0>;
template [[host_name("kernel_random_rotate_values_finish_q4_0")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_q4_0>;
template [[host_name("kernel_random_rotate_values_finish_q4_1")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_q4_1>;
template [[host_name("kernel_random_rotate_values_finish_q5_0")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_q5_0>;
template [[host_name("kernel_random_rotate_values_finish_q5_1")]] kernel kernel_random_rotate_values_finish_t kernel_random_rotate_values_finish<random_rotate_q5_1>;
