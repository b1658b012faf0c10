// The random rotations with Vulkan, called from ggml-vulkan. The shaders are next to this file.

#pragma once

#include "ggml.h"

#include <functional>
#include <memory>
#include <vector>

struct ggml_backend_vk_context;
struct vk_context_struct;
struct vk_device_struct;
struct vk_pipeline_struct;

// a device's pipelines, compiled when they are first used
struct ggml_vk_random_rotate_pipelines {
    std::shared_ptr<vk_pipeline_struct> rows  [7];                  // by length: RANDOM_ROTATE_VULKAN_SLICES
    std::shared_ptr<vk_pipeline_struct> scores[GGML_TYPE_COUNT];    // by the cache's type
    std::shared_ptr<vk_pipeline_struct> values[GGML_TYPE_COUNT][6]; // and the logarithm of a value's slabs
    std::shared_ptr<vk_pipeline_struct> finish[GGML_TYPE_COUNT][3]; // and that of counters per thread
};

// sets up a pipeline: its name, SPIR-V and bytes of it, number of buffers, bytes of push constants, and constants that specialize it
typedef std::function<void(std::shared_ptr<vk_pipeline_struct> & pipeline, const char * name, const void * spirv, size_t size,
    uint32_t n_buffers, uint32_t n_pushed, const std::vector<uint32_t> & constants)> ggml_vk_random_rotate_create;

void ggml_vk_random_rotate_create_pipelines(ggml_vk_random_rotate_pipelines & pipelines, const ggml_vk_random_rotate_create & create);

// whether the shaders support this op on this device; false for all other ops
bool ggml_vk_random_rotate_supported(const vk_device_struct & device, const ggml_tensor * op);

// one of GGML_OP_RANDOM_ROTATE, GGML_OP_RANDOM_ROTATE_SCORES and GGML_OP_RANDOM_ROTATE_VALUES
void ggml_vk_random_rotate(ggml_backend_vk_context * ctx, std::shared_ptr<vk_context_struct> & subctx, const ggml_tensor * op);
