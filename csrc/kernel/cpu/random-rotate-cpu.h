// The random rotations on the CPU.

#pragma once

#include "ggml.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ggml_compute_params;

void ggml_compute_forward_random_rotate(const struct ggml_compute_params * params, struct ggml_tensor * dst);
void ggml_compute_forward_random_rotate_scores(const struct ggml_compute_params * params, struct ggml_tensor * dst);
void ggml_compute_forward_random_rotate_values(const struct ggml_compute_params * params, struct ggml_tensor * dst);

// bytes that they need in params->wdata
size_t ggml_random_rotate_scores_work_size(const struct ggml_tensor * op, int n_tasks);
size_t ggml_random_rotate_values_work_size(const struct ggml_tensor * op, int n_tasks);

#ifdef __cplusplus
}
#endif
