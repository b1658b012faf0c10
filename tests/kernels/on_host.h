// The GPU kernels, run on the CPU with the shims next to this file. dst: one of the ops, with its sources, all in memory;
// supports(): the backend's answer.

#pragma once

#include "ggml.h"

#include <cstdint>

struct arithmetic;

bool cuda_supports  (const ggml_tensor * op);
bool metal_supports (const ggml_tensor * op);
bool vulkan_supports(const ggml_tensor * op);

void run_cuda  (ggml_tensor * dst);
void run_metal (ggml_tensor * dst);
void run_vulkan(ggml_tensor * dst);

// see arithmetic.h
void cuda_arithmetic  (uint32_t i, arithmetic & a);
void metal_arithmetic (uint32_t i, arithmetic & a);
void vulkan_arithmetic(uint32_t i, arithmetic & a);
