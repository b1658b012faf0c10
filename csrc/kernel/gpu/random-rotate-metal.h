// The random rotations on Apple's graphics cards, called from ggml-metal. The kernels are in random-rotate.metal.

#pragma once

#include "ggml-metal-device.h"

#ifdef __cplusplus
extern "C" {
#endif

// whether the kernels take this op on this device; ops of other kinds: false
bool ggml_metal_random_rotate_supported(ggml_metal_device_t dev, const struct ggml_tensor * op);

// bytes that an op needs after its result, for what one of its kernels hands to the next
size_t ggml_metal_random_rotate_extra(const struct ggml_tensor * op);

// encodes one of GGML_OP_RANDOM_ROTATE, GGML_OP_RANDOM_ROTATE_SCORES and GGML_OP_RANDOM_ROTATE_VALUES; returns how many nodes: 1
int ggml_metal_op_random_rotate(ggml_metal_device_t dev, ggml_metal_encoder_t enc, const struct ggml_tensor * op);

#ifdef __cplusplus
}
#endif
