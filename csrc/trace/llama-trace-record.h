// What a trace asks of a context, the tensors of its graph that have it, and what was read from them.

#pragma once

#include "llama-trace.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

struct ggml_tensor;
struct llama_ubatch;
struct llm_graph_params;
class llama_kv_cache;

// what a layer's attention looks at
struct llama_trace_cells {
    int64_t                n_kv  = 0;       // 0: not known
    const llama_kv_cache * cache = nullptr; // nullptr: the batch's own tokens
};

// a tensor of the graph that is read after it was computed
struct llama_trace_node {
    llama_trace_part part;
    int32_t          layer;
    ggml_tensor    * tensor;
    int64_t          n_head = 1; // of HEADS
    llama_trace_cells cells = {}; // of ATTENTION
};

// a part of a row
struct llama_trace_piece {
    llama_trace_part   part;
    int32_t            layer;
    int64_t            n_column;
    std::vector<float> data; // [n_column, ...]
};

struct llama_trace_row {
    llama_seq_id seq_id;
    llama_pos    pos;

    std::vector<llama_trace_piece> pieces;

    const llama_trace_piece * find(llama_trace_part part, int32_t layer) const;
};

class llama_trace_record {
public:
    explicit llama_trace_record(const llama_trace_params & params);

    bool wants(llama_trace_part part, int32_t layer) const;

    // A graph is being built: the hooks note what they see.
    void start_graph();
    void note_heads(int32_t layer, ggml_tensor * heads, int64_t n_head);
    void note_attention(int32_t layer, ggml_tensor * weights);
    void note_cells(int32_t layer, llama_trace_cells cells);

    // It is built: everything that is asked for is looked up, and its memory kept until it was read.
    void mark(const llm_graph_params & params);

    // It was computed, and all devices are through with it.
    void read(const llm_graph_params & params);

    std::vector<llama_trace_row> rows;

    int n_paused = 0; // above zero: hooks see vectors of another sequence, which are not noted

private:
    void mark_node(llama_trace_node node);
    void read_vectors (const llama_trace_node & node, const llama_ubatch & ubatch, size_t first_row);
    void read_attention(const llm_graph_params & params, int32_t layer, size_t first_row);

    std::array<std::vector<bool>, LLAMA_TRACE_PART_COUNT> wanted; // by layer

    std::vector<llama_trace_node>  noted; // by the hooks
    std::vector<llama_trace_node>  nodes; // what is read
    std::vector<llama_trace_cells> cells; // [n_layer], of attention

    int64_t n_streams      = 1;     // residual streams beside each other
    bool    streams_inside = false; // a token's streams lie together; otherwise a stream's tokens do
};

// without a trace, these do nothing
llama_trace_record * llama_trace_start(const llm_graph_params & params); // returns the trace, or nullptr
void llama_trace_mark(const llm_graph_params & params);
void llama_trace_read(const llm_graph_params & params);
