// Products of one row that sum in the order of llama.cpp's kernels for several rows.

#pragma once

// s: F32 [n_columns], x: block_q4_Kx8 [n/256, n_columns/8], y: block_q8_K [n/256]
void repeatable_gemv_q4_K_8x8(int n, float * s, const void * x, const void * y, int n_columns);
