// Matrix products in which each row is bit for bit the same, however many rows are multiplied at a time.
//
// llama.cpp multiplies one row of activations by other kernels than many rows, and they sum in a different order. An op that is
// marked here keeps the kernels for many rows, and multiplies a few rows in the same order. If that order is not known, it
// multiplies many rows one by one.

#pragma once

#include "ggml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The last element of an op's parameters, which llama.cpp leaves at zero.
enum {
    REPEATABLE_PARAM = GGML_MAX_OP_PARAMS/sizeof(int32_t) - 1,
    REPEATABLE_MARK  = 0x5eed,
};

static inline bool is_repeatable(const struct ggml_tensor * op) {
    return op->op_params[REPEATABLE_PARAM] == REPEATABLE_MARK;
}

// Whether marked ops cost little more than others for matrices of a type: a few percent at most. Matrices of other types are
// multiplied row by row, which can take several times as long for many rows.
static inline bool repeatable_costs_little(enum ggml_type type) {
#if defined(__x86_64__) || defined(_M_X64)
    switch (type) {
        case GGML_TYPE_F32:
        case GGML_TYPE_F16:
        case GGML_TYPE_BF16:
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q5_1:
        case GGML_TYPE_Q8_0:
        case GGML_TYPE_Q3_K:
        case GGML_TYPE_Q4_K:
        case GGML_TYPE_Q5_K:
        case GGML_TYPE_Q6_K:
        case GGML_TYPE_IQ4_NL:
        case GGML_TYPE_IQ4_XS:
        case GGML_TYPE_MXFP4:
            return true;
        default:
            return false;
    }
#else
    (void) type;
    return false;
#endif
}

// Whether the kernels for many rows may compute an op: it is not marked, or a few rows can be summed in the same order.
bool repeatable_in_blocks(const struct ggml_tensor * op);

// the type of ggml_vec_dot_t
typedef void (* repeatable_vec_dot_t)(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);

// The function that multiplies row by row: vec_dot or, for a marked op, one that sums in the order of the kernels for many rows.
repeatable_vec_dot_t repeatable_vec_dot(const struct ggml_tensor * op, repeatable_vec_dot_t vec_dot);

// How many of an op's n rows the kernel for several rows multiplies, four at a time; the others are multiplied one by one.
int64_t repeatable_gemm_rows(const struct ggml_tensor * op, int64_t n);

// One row of activations times a matrix with interleaved rows, in the order of the kernel for several rows. s: F32 [n_columns]; x,
// y: the matrix and the row, of n numbers, in the types that the kernels for op take. Returns false if nothing was computed,
// because llama.cpp's kernel for one row sums in that order, or because the op is not marked.
bool repeatable_gemv(const struct ggml_tensor * op, int n, float * s, const void * x, const void * y, int n_columns);

struct ggml_compute_params;

// Flash attention for a marked op. Returns false if nothing was computed, because the op is not marked.
bool repeatable_attend(const struct ggml_compute_params * params, struct ggml_tensor * dst);

#ifdef __cplusplus
}
#endif
