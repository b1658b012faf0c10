// The random rotations on GPUs of NVIDIA, AMD (HIP) and Moore Threads (MUSA), called from ggml-cuda.cu.

#pragma once

#include "common.cuh"

// whether the kernels support this op; false for all other ops
bool ggml_cuda_random_rotate_supported(const ggml_tensor * op);

// computes one of GGML_OP_RANDOM_ROTATE, GGML_OP_RANDOM_ROTATE_SCORES and GGML_OP_RANDOM_ROTATE_VALUES
void ggml_cuda_op_random_rotate(ggml_backend_cuda_context & ctx, ggml_tensor * dst);
