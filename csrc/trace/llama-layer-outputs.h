// Finds the tensors in a graph that leave each layer of a model, for every architecture, whatever their names.
//
// A node belongs to the highest layer among the weights and caches that it was computed from. What leaves a layer is the last vector
// of n_embd numbers a token that was computed there and that a later layer reads, by itself or through a norm.

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
    int64_t n_streams; // residual streams beside each other

    const ggml_tensor * last; // nothing after it belongs to a layer: pooling, for example; or nullptr
};

// [n_layer + 1]: what the first layer reads, then what leaves each layer; nullptr where a layer has none
std::vector<ggml_tensor *> find_layer_outputs(ggml_cgraph * gf, const llama_layer_shape & shape);
