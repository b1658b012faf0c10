// The names from cuBLAS that upstream's CUDA files use, declared so that they compile, but do
// not link, if it is not installed.

#pragma once

#include <cuda_runtime.h>
#include <library_types.h>

#define CUBLAS_VER_MAJOR 13
#define CUBLAS_VER_MINOR 0

typedef struct cublas_context * cublasHandle_t;

enum cublasStatus_t      { CUBLAS_STATUS_SUCCESS };
enum cublasOperation_t   { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasMath_t        { CUBLAS_TF32_TENSOR_OP_MATH };
enum cublasComputeType_t { CUBLAS_COMPUTE_16F, CUBLAS_COMPUTE_32F };
enum cublasGemmAlgo_t    { CUBLAS_GEMM_DEFAULT_TENSOR_OP };

const char *   cublasGetStatusString(cublasStatus_t);
cublasStatus_t cublasCreate         (cublasHandle_t *);
cublasStatus_t cublasDestroy        (cublasHandle_t);
cublasStatus_t cublasSetMathMode    (cublasHandle_t, cublasMath_t);
cublasStatus_t cublasSetStream      (cublasHandle_t, cudaStream_t);
cublasStatus_t cublasSetWorkspace   (cublasHandle_t, void *, size_t);
cublasStatus_t cublasLoggerConfigure(int, int, int, const char *);

// products of matrices, single and batched
cublasStatus_t cublasSgemm(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const float *, const float *, int,
    const float *, int, const float *, float *, int);
cublasStatus_t cublasGemmEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *,
    cudaDataType_t, int, const void *, cudaDataType_t, int, const void *, void *, cudaDataType_t, int, cublasComputeType_t,
    cublasGemmAlgo_t);
cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *,
    const void *, cudaDataType_t, int, long long, const void *, cudaDataType_t, int, long long, const void *, void *,
    cudaDataType_t, int, long long, int, cublasComputeType_t, cublasGemmAlgo_t);
cublasStatus_t cublasGemmBatchedEx(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *,
    const void * const *, cudaDataType_t, int, const void * const *, cudaDataType_t, int, const void *, void * const *,
    cudaDataType_t, int, int, cublasComputeType_t, cublasGemmAlgo_t);
