#include "on_host.h"

#include "random-rotate-cuda.cu"

#include "arithmetic.h"

bool cuda_supports(const ggml_tensor * op) {
    return ggml_cuda_random_rotate_supported(op);
}

void run_cuda(ggml_tensor * dst) {
    ggml_backend_cuda_context ctx;
    ggml_cuda_op_random_rotate(ctx, dst);
}

void cuda_arithmetic(uint32_t i, arithmetic & a) {
    a = arithmetic_of(i);
}
