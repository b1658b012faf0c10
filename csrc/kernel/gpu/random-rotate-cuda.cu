#include "random-rotate-cuda.cuh"

#define RANDOM_ROTATE_ON_GPU __device__ __forceinline__

static RANDOM_ROTATE_ON_GPU float random_rotate_simd_xor(float x, int mask) {
    return __shfl_xor_sync(0xffffffff, x, mask, WARP_SIZE);
}

static RANDOM_ROTATE_ON_GPU float random_rotate_simd_sum(float x) {
    return warp_reduce_sum<WARP_SIZE>(x);
}

static RANDOM_ROTATE_ON_GPU unsigned int random_rotate_simd_max(unsigned int x) {
#pragma unroll
    for (int mask = WARP_SIZE/2; mask > 0; mask /= 2) {
        const unsigned int other = __shfl_xor_sync(0xffffffff, x, mask, WARP_SIZE);
        x = other > x ? other : x;
    }
    return x;
}

static RANDOM_ROTATE_ON_GPU void random_rotate_barrier() {
    __syncthreads();
}

// The previous kernel may still be running when one starts. Random numbers need not wait for it, because they
// depend only on the graph's inputs.
static RANDOM_ROTATE_ON_GPU void random_rotate_wait() {
    ggml_cuda_pdl_sync();
}

static RANDOM_ROTATE_ON_GPU float random_rotate_half(const char * at) {
    return __half2float(*(const half *) at);
}

#include "random-rotate-gpu.h"
#include "random-rotate-gpu-host.h"
#include "random-rotate-gpu-scores.h"
#include "random-rotate-gpu-finish.h"

//
// rows
//

// grid: (n_head*n_tokens)
template <int n_quads>
static __global__ void __launch_bounds__(RANDOM_ROTATE_MAX_THREADS) random_rotate_rows_kernel(const random_rotate_rows_args args, const char * x, const float * doses,
        const int32_t * tokens, const char * heads, float * y) {
    ggml_cuda_pdl_lc();
    __shared__ float shared[RANDOM_ROTATE_SIMD_SUMS];

    const random_rotate_block block = { (int32_t) threadIdx.x, (int32_t) blockDim.x, shared };
    random_rotate_row<n_quads>(block, args, x, doses, tokens, heads, y, blockIdx.x);
}

static void turn_rows(ggml_backend_cuda_context & ctx, ggml_tensor * dst) {
    const int64_t d = dst->ne[0];

    const int  n_quads = random_rotate_quads(d);
    const auto kernel  = n_quads == 1 ? random_rotate_rows_kernel<1> : n_quads == 4 ? random_rotate_rows_kernel<4> :
        n_quads == 8 ? random_rotate_rows_kernel<8> : random_rotate_rows_kernel<0>;

    const ggml_cuda_kernel_launch_params launch(dim3(dst->ne[1]*dst->ne[2]), dim3(random_rotate_row_threads(d)), 0, ctx.stream());
    ggml_cuda_kernel_launch(kernel, launch, random_rotate_rows_args_of(dst), (const char *) dst->src[0]->data,
        (const float *) dst->src[1]->data, (const int32_t *) dst->src[2]->data, (const char *) (dst->src[3] ? dst->src[3]->data : nullptr),
        (float *) dst->data);
}

//
// keys
//

// grid: (n_tiles*n_row_blocks, n_head_kv, n_stream)
template <typename cache>
static __global__ void __launch_bounds__(RANDOM_ROTATE_THREADS) random_rotate_scores_kernel(const random_rotate_scores_args args, const int32_t n_tiles, const char * q,
        const char * k, const float * doses, const int32_t * tokens, const int32_t * cells, const char * mask, float * y) {
    ggml_cuda_pdl_lc();
    __shared__ random_rotate_scores_shared shared;

    random_rotate_scores_block<cache>(args, q, k, doses, tokens, cells, mask, y, blockIdx.x % n_tiles*RANDOM_ROTATE_CELLS,
        blockIdx.x / n_tiles*RANDOM_ROTATE_ROWS, blockIdx.y, blockIdx.z, threadIdx.x, &shared);
}

template <typename cache>
static void turn_keys(ggml_backend_cuda_context & ctx, ggml_tensor * dst) {
    const random_rotate_scores_args args = random_rotate_scores_args_of(dst);

    const int64_t n_tiles = random_rotate_scores_tiles(args);
    const dim3    grid(n_tiles*random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv), args.n_head_kv, dst->ne[3]);

    const ggml_cuda_kernel_launch_params launch(grid, dim3(RANDOM_ROTATE_THREADS), 0, ctx.stream());
    ggml_cuda_kernel_launch(random_rotate_scores_kernel<cache>, launch, args, (int32_t) n_tiles, (const char *) dst->src[0]->data,
        (const char *) dst->src[1]->data, (const float *) dst->src[2]->data, (const int32_t *) dst->src[3]->data,
        (const int32_t *) dst->src[4]->data, (const char *) (dst->src[5] ? dst->src[5]->data : nullptr), (float *) dst->data);
}

//
// values
//

// grid: (n_chunks*n_row_blocks, n_head_kv, n_stream)
template <typename cache>
static __global__ void __launch_bounds__(RANDOM_ROTATE_THREADS) random_rotate_values_kernel(const random_rotate_values_args args, const char * p, const char * v,
        const float * doses, const int32_t * tokens, const int32_t * cells, float * parts) {
    ggml_cuda_pdl_lc();
    __shared__ random_rotate_values_shared shared;

    random_rotate_values_block<cache>(args, p, v, doses, tokens, cells, parts, blockIdx.x % args.n_chunks,
        blockIdx.x / args.n_chunks*RANDOM_ROTATE_ROWS, blockIdx.y, blockIdx.z, threadIdx.x, &shared);
}

// grid: (n_tokens*n_head*n_stream)
template <typename cache>
static __global__ void __launch_bounds__(RANDOM_ROTATE_MAX_THREADS) random_rotate_values_finish_kernel(const random_rotate_values_args args, const char * v, const float * doses,
        const int32_t * tokens, const float * parts, float * y) {
    ggml_cuda_pdl_lc();
    __shared__ random_rotate_finish_shared shared;

    random_rotate_values_finish<cache>(threadIdx.x, blockDim.x, args, v, doses, tokens, parts, y, blockIdx.x, &shared);
}

template <typename cache>
static void turn_values(ggml_backend_cuda_context & ctx, ggml_tensor * dst) {
    const random_rotate_values_args args = random_rotate_values_args_of(dst);

    const char    * v      = (const char *)    dst->src[1]->data;
    const float   * doses  = (const float *)   dst->src[2]->data;
    const int32_t * tokens = (const int32_t *) dst->src[3]->data;

    ggml_cuda_pool_alloc<float> parts(ctx.pool(), random_rotate_values_parts_size(dst)/sizeof(float));

    const dim3 grid(args.n_chunks*random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv), args.n_head_kv, dst->ne[3]);
    const ggml_cuda_kernel_launch_params sums(grid, dim3(RANDOM_ROTATE_THREADS), 0, ctx.stream());
    ggml_cuda_kernel_launch(random_rotate_values_kernel<cache>, sums, args, (const char *) dst->src[0]->data, v, doses, tokens,
        (const int32_t *) dst->src[4]->data, parts.get());

    const ggml_cuda_kernel_launch_params rows(dim3(ggml_nrows(dst)), dim3(random_rotate_finish_threads(args.d)), 0, ctx.stream());
    ggml_cuda_kernel_launch(random_rotate_values_finish_kernel<cache>, rows, args, v, doses, tokens, (const float *) parts.get(),
        (float *) dst->data);
}

//
// ops
//

bool ggml_cuda_random_rotate_supported(const ggml_tensor * op) {
    return random_rotate_gpu_supports(op);
}

template <typename cache>
static void turn_cache(ggml_backend_cuda_context & ctx, ggml_tensor * dst) {
    if (dst->op == GGML_OP_RANDOM_ROTATE_SCORES) {
        turn_keys<cache>(ctx, dst);
    } else {
        turn_values<cache>(ctx, dst);
    }
}

void ggml_cuda_op_random_rotate(ggml_backend_cuda_context & ctx, ggml_tensor * dst) {
    if (dst->op == GGML_OP_RANDOM_ROTATE) {
        turn_rows(ctx, dst);
        return;
    }
    switch (dst->src[1]->type) {
        case GGML_TYPE_F32:  turn_cache<random_rotate_f32> (ctx, dst); break;
        case GGML_TYPE_F16:  turn_cache<random_rotate_f16> (ctx, dst); break;
        case GGML_TYPE_BF16: turn_cache<random_rotate_bf16>(ctx, dst); break;
        case GGML_TYPE_Q8_0: turn_cache<random_rotate_q8_0>(ctx, dst); break;
        case GGML_TYPE_Q4_0: turn_cache<random_rotate_q4_0>(ctx, dst); break;
        case GGML_TYPE_Q4_1: turn_cache<random_rotate_q4_1>(ctx, dst); break;
        case GGML_TYPE_Q5_0: turn_cache<random_rotate_q5_0>(ctx, dst); break;
        case GGML_TYPE_Q5_1: turn_cache<random_rotate_q5_1>(ctx, dst); break;
        default: GGML_ABORT("no cache has the type %s", ggml_type_name(dst->src[1]->type));
    }
}
