#include "repeatable.h"

#include "repeatable-dots.h"
#include "repeatable-gemv.h"

#include "ggml-cpu.h"

// a dot product that sums in the order of the kernels for many rows, or nullptr if there is none for a type
static repeatable_vec_dot_t dot_of_blocks(ggml_type type) {
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
    switch (type) {
        case GGML_TYPE_F32:    return repeatable_dot_f32;
        case GGML_TYPE_F16:    return repeatable_dot_f16;
        case GGML_TYPE_BF16:   return repeatable_dot_bf16;
        case GGML_TYPE_IQ4_XS: return repeatable_dot_iq4_xs;
        case GGML_TYPE_Q3_K:   return repeatable_dot_q3_K;
        case GGML_TYPE_Q4_K:   return repeatable_dot_q4_K;
        case GGML_TYPE_Q5_K:   return repeatable_dot_q5_K;
        case GGML_TYPE_Q6_K:   return repeatable_dot_q6_K;
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_Q5_0:
        case GGML_TYPE_Q8_0:   return ggml_get_type_traits_cpu(type)->vec_dot;
        default:               break;
    }
#endif
    GGML_UNUSED(type);
    return nullptr;
}

bool repeatable_in_blocks(const ggml_tensor * op) {
    return !is_repeatable(op) || dot_of_blocks(op->src[0]->type);
}

repeatable_vec_dot_t repeatable_vec_dot(const ggml_tensor * op, repeatable_vec_dot_t vec_dot) {
    const auto dot = is_repeatable(op) ? dot_of_blocks(op->src[0]->type) : nullptr;
    return dot ? dot : vec_dot;
}

// how to multiply one row by a matrix with interleaved rows in the same order as several rows
enum class gemv {
    same,       // llama.cpp's kernel for one row sums in the order of the one for several
    own,        // repeatable_gemv_q4_K_8x8() does
    row_by_row, // no kernel does: several rows are multiplied one by one
};

static gemv gemv_of(const ggml_tensor * op) {
    if (!is_repeatable(op)) {
        return gemv::same;
    }
#if defined(__AVX2__)
    switch (op->src[0]->type) {
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_IQ4_NL:
        case GGML_TYPE_MXFP4:  return gemv::same;
        case GGML_TYPE_Q4_K:   return gemv::own;
        default:               break;
    }
#endif
    return gemv::row_by_row;
}

int64_t repeatable_gemm_rows(const ggml_tensor * op, int64_t n) {
    return gemv_of(op) == gemv::row_by_row ? 0 : n - n % 4;
}

bool repeatable_gemv(const ggml_tensor * op, int n, float * s, const void * x, const void * y, int n_columns) {
    if (gemv_of(op) != gemv::own) {
        return false;
    }
    repeatable_gemv_q4_K_8x8(n, s, x, y, n_columns);
    return true;
}
