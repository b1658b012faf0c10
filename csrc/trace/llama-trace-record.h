// What a trace requests, the tensors of the graph that contain it, and what was read from them.

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

// what a layer's attention reads
struct llama_trace_cells {
    int64_t                n_kv  = 0;       // 0: unknown
    const llama_kv_cache * cache = nullptr; // nullptr: the batch's own tokens
};

// a tensor of the graph that is read after the computation
struct llama_trace_node {
    llama_trace_part part;
    int32_t          layer;
    ggml_tensor    * tensor;
    int64_t          n_head = 1; // only for HEADS
    llama_trace_cells cells = {}; // only for ATTENTION
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

    // While a graph is built: the hooks record what they see.
    void start_graph();
    void note_heads(int32_t layer, ggml_tensor * heads, int64_t n_head);
    void note_attention(int32_t layer, ggml_tensor * weights);
    void note_cells(int32_t layer, llama_trace_cells cells);

    // After it is built: finds everything that was requested, and keeps its memory until it is read.
    void mark(const llm_graph_params & params);

    // After it is computed and all devices have finished.
    void read(const llm_graph_params & params);

    std::vector<llama_trace_row> rows;

    int n_paused = 0; // above zero: hooks see vectors of another sequence, which are not recorded

private:
    void mark_node(llama_trace_node node);
    void read_vectors (const llama_trace_node & node, const llama_ubatch & ubatch, size_t first_row);
    void read_attention(const llm_graph_params & params, int32_t layer, size_t first_row);

    std::array<std::vector<bool>, LLAMA_TRACE_PART_COUNT> wanted; // by layer

    std::vector<llama_trace_node>  noted; // recorded by the hooks
    std::vector<llama_trace_node>  nodes; // to be read
    std::vector<llama_trace_cells> cells; // [n_layer], for attention

    int64_t n_streams      = 1;     // parallel residual streams
    bool    streams_inside = false; // the streams of a token are adjacent; otherwise, the tokens of a stream are
};

// without a trace, these functions do nothing
llama_trace_record * llama_trace_start(const llm_graph_params & params); // returns the trace, or nullptr
void llama_trace_mark(const llm_graph_params & params);
void llama_trace_read(const llm_graph_params & params);
