// Dot products that sum in the order of llama.cpp's kernels for many rows. Each has the arguments of ggml_vec_dot_t: n numbers of a
// row x of a matrix and of a row y of activations, in the types that those kernels take; s: the sum.

#pragma once

#include <cstddef>

// x, y: F32, F16 or BF16 [n]; n is a multiple of 32
void repeatable_dot_f32 (int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_f16 (int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_bf16(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);

// y: block_q8_K [n/256]
void repeatable_dot_q3_K(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_q4_K(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_q5_K(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_q6_K(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
void repeatable_dot_iq4_xs(int n, float * s, size_t bs, const void * x, size_t bx, const void * y, size_t by, int nrc);
