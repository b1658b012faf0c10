// The random rotations on Apple GPUs, called from ggml-metal. The kernels are in random-rotate.metal.

#pragma once

#include "ggml-metal-device.h"

#ifdef __cplusplus
extern "C" {
#endif

// whether the kernels support this op on this device; false for all other ops
bool ggml_metal_random_rotate_supported(ggml_metal_device_t dev, const struct ggml_tensor * op);

// bytes that an op needs after its result, for data that one of its kernels passes to the next
size_t ggml_metal_random_rotate_extra(const struct ggml_tensor * op);

// encodes one of GGML_OP_RANDOM_ROTATE, GGML_OP_RANDOM_ROTATE_SCORES and GGML_OP_RANDOM_ROTATE_VALUES;
// returns the number of nodes: 1
int ggml_metal_op_random_rotate(ggml_metal_device_t dev, ggml_metal_encoder_t enc, const struct ggml_tensor * op);

#ifdef __cplusplus
}
#endif
