#include "llama-layer-outputs.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <unordered_map>

// for a node or leaf that depends on no layer
static constexpr int32_t BEFORE_ALL = -1;

// the number after a part of a name, or BEFORE_ALL
static int32_t number_after(const char * name, const char * part) {
    const char * found = strstr(name, part);
    const char * digits = found ? found + strlen(part) : nullptr;
    return digits && *digits >= '0' && *digits <= '9' ? atoi(digits) : BEFORE_ALL;
}

static bool starts_with(const char * name, const char * beginning) {
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

// the layer of a weight or a cache, from the names that all architectures share
static int32_t layer_of_leaf(const char * name, int32_t n_layer) {
    if (starts_with(name, "cache_")) {
        return number_after(name, "_l");
    }
    if (starts_with(name, "output") || starts_with(name, "dec.output") || starts_with(name, "enc.output") || starts_with(name, "cls")) {
        return n_layer; // after all layers
    }
    return number_after(name, "blk.");
}

// ops that pass on their input: a norm without its weights, or the same numbers in another layout
static bool passes_on(ggml_op op) {
    switch (op) {
        case GGML_OP_NORM:
        case GGML_OP_RMS_NORM:
        case GGML_OP_L2_NORM:
        case GGML_OP_GET_ROWS:
        case GGML_OP_RESHAPE:
        case GGML_OP_VIEW:
        case GGML_OP_PERMUTE:
        case GGML_OP_TRANSPOSE:
        case GGML_OP_CONT:
            return true;
        default:
            return false;
    }
}

class layer_search {
public:
    layer_search(ggml_cgraph * gf, const llama_layer_shape & shape) : shape(shape) {
        for (int i = 0; i < ggml_graph_n_nodes(gf); ++i) {
            nodes.push_back(ggml_graph_node(gf, i));
            layers[nodes.back()] = layer_of_node(nodes.back());
            embedded[nodes.back()] = reads_embedding(nodes.back());
        }
    }

    std::vector<ggml_tensor *> outputs() {
        note_readers();
        std::vector<ggml_tensor *> found(shape.n_layer + 1, nullptr);
        for (auto * node : nodes) {
            const int32_t il = layers[node];
            if (il < shape.n_layer && is_stream(node, il) && (read_later[node] || node == shape.last)) {
                found[il + 1] = node;
            }
            if (node == shape.last) {
                break;
            }
        }
        return found;
    }

private:
    int32_t layer_of(const ggml_tensor * tensor) {
        const auto known = layers.find(tensor);
        if (known != layers.end()) {
            return known->second;
        }
        const int32_t il = layer_of_leaf(tensor->name, shape.n_layer);
        return layers[tensor] = il == BEFORE_ALL && tensor->view_src ? layer_of(tensor->view_src) : il;
    }

    int32_t layer_of_node(const ggml_tensor * node) {
        int32_t il = node->view_src ? layer_of(node->view_src) : BEFORE_ALL;
        bool    embeds = false;
        for (const auto * src : node->src) {
            if (src && src->type != GGML_TYPE_I32) { // indices of rows or experts do not say where the data comes from
                il = std::max(il, layer_of(src));
                embeds = embeds || starts_with(src->name, "token_embd");
            }
        }
        return embeds && il >= 0 ? shape.n_layer : il; // tied embeddings: the weights are used again, after all layers
    }

    // the attention mask may be as wide as a vector, and depend on vectors through the choice of cells
    bool reads_embedding(const ggml_tensor * node) {
        return std::any_of(std::begin(node->src), std::end(node->src), [&](const ggml_tensor * src) {
            return src && src->type != GGML_TYPE_I32 && (embedded[src] || (src->op == GGML_OP_NONE && strstr(src->name, "embd")));
        });
    }

    bool is_stream(const ggml_tensor * node, int32_t il) {
        const int64_t n_rows = node->ne[1]*node->ne[2]*node->ne[3];
        const bool    laid_out = passes_on(node->op) && !(il == BEFORE_ALL && node->op == GGML_OP_GET_ROWS);
        return embedded[node] && node->type == GGML_TYPE_F32 && node->ne[0] == shape.n_embd && !laid_out && ggml_is_contiguous(node) &&
            (is_of_tokens(n_rows) || is_of_tokens(n_rows*shape.n_streams));
    }

    bool is_of_tokens(int64_t n_rows) const {
        return n_rows == shape.n_tokens*shape.n_streams || n_rows == shape.n_outputs*shape.n_streams;
    }

    // nodes are in the order of computation, so readers come after what they read
    void note_readers() {
        for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
            for (auto * src : (*it)->src) {
                if (src && (layers[*it] > layer_of(src) || (passes_on((*it)->op) && read_later[*it]))) {
                    read_later[src] = true;
                }
            }
        }
    }

    const llama_layer_shape shape;

    std::vector<ggml_tensor *> nodes;
    std::unordered_map<const ggml_tensor *, int32_t> layers;
    std::unordered_map<const ggml_tensor *, bool>    read_later;
    std::unordered_map<const ggml_tensor *, bool>    embedded;
};

std::vector<ggml_tensor *> find_layer_outputs(ggml_cgraph * gf, const llama_layer_shape & shape) {
    return layer_search(gf, shape).outputs();
}
