// Finds the output tensor of each layer in a model's graph, for every architecture, whatever the tensors are named.
//
// A node belongs to the highest layer among the weights and caches from which it was computed. The output of a layer is the last
// tensor with n_embd numbers per token that belongs to this layer and that a later layer reads, directly or through a norm.

#pragma once

#include "ggml.h"

#include <cstdint>
#include <vector>

struct ggml_cgraph;

struct llama_layer_shape {
    int32_t n_layer;
    int64_t n_embd;
    int64_t n_tokens;
    int64_t n_outputs; // the last layer may keep only the rows that are output
    int64_t n_streams; // number of parallel residual streams

    const ggml_tensor * last; // nodes after it belong to no layer, such as pooling; may be nullptr
};

// [n_layer + 1]: the input of the first layer, then the output of each layer; nullptr if a layer has none
std::vector<ggml_tensor *> find_layer_outputs(ggml_cgraph * gf, const llama_layer_shape & shape);
