#include "repeatable.h"

#include "repeatable-dots.h"

#include "ggml-cpu.h"

// what adds as the kernels for many rows do, or nullptr where there is none for a type
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

repeatable_gemv repeatable_gemv_of(const ggml_tensor * op) {
    if (!is_repeatable(op)) {
        return REPEATABLE_GEMV_SAME;
    }
#if defined(__AVX2__)
    switch (op->src[0]->type) {
        case GGML_TYPE_Q4_0:
        case GGML_TYPE_IQ4_NL:
        case GGML_TYPE_MXFP4:  return REPEATABLE_GEMV_SAME;
        case GGML_TYPE_Q4_K:   return REPEATABLE_GEMV_OWN;
        default:               break;
    }
#endif
    return REPEATABLE_GEMV_ROW_BY_ROW;
}

int64_t repeatable_gemm_rows(const ggml_tensor * op, int64_t n) {
    return repeatable_gemv_of(op) == REPEATABLE_GEMV_ROW_BY_ROW ? 0 : n - n % 4;
}
