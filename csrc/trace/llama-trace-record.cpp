#include "llama-trace-record.h"

#include "llama-layer-outputs.h"

#include "ggml-backend.h"
#include "llama-drugs-doses.h"
#include "llama-graph.h"
#include "llama-kv-cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

static std::vector<bool> as_vector(const bool * flags, int32_t n) {
    return flags ? std::vector<bool>(flags, flags + n) : std::vector<bool>();
}

llama_trace_record::llama_trace_record(const llama_trace_params & params) : cells(params.n_layer) {
    wanted[LLAMA_TRACE_HIDDEN]    = as_vector(params.hidden,    params.n_layer + 1);
    wanted[LLAMA_TRACE_HEADS]     = as_vector(params.heads,     params.n_layer);
    wanted[LLAMA_TRACE_ATTENTION] = as_vector(params.attention, params.n_layer);
    wanted[LLAMA_TRACE_NORM]      = { params.norm };
    wanted[LLAMA_TRACE_LOGITS]    = { params.logits };
}

bool llama_trace_record::wants(llama_trace_part part, int32_t layer) const {
    return layer >= 0 && (size_t) layer < wanted[part].size() && wanted[part][layer];
}

const llama_trace_piece * llama_trace_row::find(llama_trace_part part, int32_t layer) const {
    for (const auto & piece : pieces) {
        if (piece.part == part && piece.layer == layer) {
            return &piece;
        }
    }
    return nullptr;
}

//
// the graph
//

void llama_trace_record::start_graph() {
    noted.clear();
    std::fill(cells.begin(), cells.end(), llama_trace_cells());
}

// the last call counts: attention may be computed twice, and then rows are taken from both
void llama_trace_record::note_heads(int32_t layer, ggml_tensor * heads, int64_t n_head) {
    if (n_paused > 0 || !wants(LLAMA_TRACE_HEADS, layer)) {
        return;
    }
    const auto is_here = [&](const auto & node) { return node.part == LLAMA_TRACE_HEADS && node.layer == layer; };
    noted.erase(std::remove_if(noted.begin(), noted.end(), is_here), noted.end());
    noted.push_back({ LLAMA_TRACE_HEADS, layer, heads, n_head });
}

void llama_trace_record::note_attention(int32_t layer, ggml_tensor * weights) {
    if (n_paused == 0 && wants(LLAMA_TRACE_ATTENTION, layer)) {
        noted.push_back({ LLAMA_TRACE_ATTENTION, layer, weights });
    }
}

void llama_trace_record::note_cells(int32_t layer, llama_trace_cells seen) {
    if (n_paused == 0 && wants(LLAMA_TRACE_ATTENTION, layer)) {
        cells[layer] = seen;
    }
}

void llama_trace_record::mark_node(llama_trace_node node) {
    const bool is_whole = node.tensor && (ggml_is_contiguous(node.tensor) || node.part == LLAMA_TRACE_ATTENTION);
    if (!is_whole || node.tensor->type != GGML_TYPE_F32) {
        return;
    }
    for (auto * tensor = node.tensor; tensor; tensor = tensor->view_src) {
        ggml_set_output(tensor); // its memory must not be reused before it is read
    }
    nodes.push_back(node);
}

// Whether each weight belongs to one position. This is not so if a layer gathers or compresses the cells it attends to.
static bool tells_positions(const llama_trace_node & node, llm_arch arch) {
    return node.cells.n_kv == node.tensor->ne[0] && arch != LLM_ARCH_DEEPSEEK4;
}

void llama_trace_record::mark(const llm_graph_params & params) {
    const auto & hparams = params.hparams;
    const auto & res     = *params.res;

    streams_inside = hparams.dsv4_hc_mult > 1;
    n_streams      = streams_inside ? hparams.dsv4_hc_mult : params.arch == LLM_ARCH_GEMMA3N ? hparams.n_altup : 1;

    nodes.clear();
    for (auto node : noted) {
        if (node.part == LLAMA_TRACE_ATTENTION) {
            node.cells = cells[node.layer];
        }
        if (node.part != LLAMA_TRACE_ATTENTION || tells_positions(node, params.arch)) {
            mark_node(node);
        }
    }
    const auto & layers = wanted[LLAMA_TRACE_HIDDEN];
    if (std::find(layers.begin(), layers.end(), true) != layers.end()) {
        const auto found = find_layer_outputs(res.get_gf(), { (int32_t) hparams.n_layer(), hparams.n_embd, params.ubatch.n_tokens,
            params.n_outputs, n_streams, res.get_embd() });
        for (size_t layer = 0; layer < found.size(); ++layer) {
            if (wants(LLAMA_TRACE_HIDDEN, layer)) {
                mark_node({ LLAMA_TRACE_HIDDEN, (int32_t) layer, found[layer] });
            }
        }
    }
    if (wants(LLAMA_TRACE_NORM, 0)) {
        mark_node({ LLAMA_TRACE_NORM, 0, res.get_embd() });
    }
    if (wants(LLAMA_TRACE_LOGITS, 0)) {
        mark_node({ LLAMA_TRACE_LOGITS, 0, res.get_logits() });
    }
}

//
// what was computed
//

// the tokens of a batch that are output
static std::vector<int64_t> outputs_of(const llama_ubatch & ubatch) {
    std::vector<int64_t> tokens;
    for (uint32_t i = 0; i < ubatch.n_tokens; ++i) {
        if (ubatch.output && ubatch.output[i]) {
            tokens.push_back(i);
        }
    }
    return tokens;
}

void llama_trace_record::read(const llm_graph_params & params) {
    const auto & ubatch    = params.ubatch;
    const size_t first_row = rows.size();
    for (const auto i : outputs_of(ubatch)) {
        rows.push_back({ ubatch.seq_id[i][0], ubatch.pos[i], {} });
    }
    if (rows.size() == first_row) {
        return;
    }
    for (const auto & node : nodes) {
        if (node.part != LLAMA_TRACE_ATTENTION) {
            read_vectors(node, ubatch, first_row);
        }
    }
    for (size_t layer = 0; layer < wanted[LLAMA_TRACE_ATTENTION].size(); ++layer) {
        read_attention(params, layer, first_row);
    }
}

// The tensor has one vector per token, or per token that is output; with several residual streams, one per stream.
void llama_trace_record::read_vectors(const llama_trace_node & node, const llama_ubatch & ubatch, size_t first_row) {
    const auto    tokens    = outputs_of(ubatch);
    const int64_t n_tokens  = ubatch.n_tokens;
    const int64_t n_outputs = tokens.size();
    const int64_t n         = ggml_nelements(node.tensor);
    const int64_t width     = node.part == LLAMA_TRACE_HEADS ? n/n_tokens : node.tensor->ne[0];
    const int64_t n_vectors = n/width;

    const bool    streams  = node.part == LLAMA_TRACE_HIDDEN && (n_vectors == n_streams*n_tokens || n_vectors == n_streams*n_outputs);
    const int64_t n_each   = streams && streams_inside ? n_streams : 1;
    const bool    of_all   = n_vectors == (streams ? n_streams : 1)*n_tokens;
    if (!of_all && n_vectors != (streams ? n_streams : 1)*n_outputs) {
        return; // for example, pooled
    }

    const auto row_of = [&](int64_t j) { return (of_all ? tokens[j] : j)*n_each; };

    std::vector<float> all; // on a device, one copy is faster than one per row, unless only a few of many rows are needed
    if (8*n_outputs >= n_vectors) {
        all.resize(n);
        ggml_backend_tensor_get(node.tensor, all.data(), 0, n*sizeof(float));
    }
    for (int64_t j = 0; j < n_outputs; ++j) {
        std::vector<float> vector(width);
        if (all.empty()) {
            ggml_backend_tensor_get(node.tensor, vector.data(), row_of(j)*width*sizeof(float), width*sizeof(float));
        } else {
            std::copy_n(all.begin() + row_of(j)*width, width, vector.begin());
        }
        rows[first_row + j].pieces.push_back({ node.part, node.layer, width/node.n_head, std::move(vector) });
    }
}

// positions of the cells that a token's sequence reads; -1 for an empty cell
static std::vector<llama_pos> positions_of_cells(const llama_kv_cache * cache, const llama_ubatch & ubatch, int64_t token, int64_t n_kv) {
    std::vector<llama_pos> positions(n_kv, -1);
    if (!cache) {
        std::copy_n(ubatch.pos, std::min<int64_t>(n_kv, ubatch.n_tokens), positions.begin());
        return positions;
    }
    const auto & cells = cache->get_cells(ubatch.seq_id[token][0]);
    for (int64_t i = 0; i < std::min<int64_t>(n_kv, cells.size()); ++i) {
        positions[i] = cells.is_empty(i) ? -1 : cells.pos_get(i);
    }
    return positions;
}

void llama_trace_record::read_attention(const llm_graph_params & params, int32_t layer, size_t first_row) {
    std::vector<llama_trace_node> here; // one node; or a plain one, and one with turned keys or values
    std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(here),
        [&](const auto & node) { return node.part == LLAMA_TRACE_ATTENTION && node.layer == layer; });
    if (here.empty()) {
        return;
    }
    const auto & ubatch = params.ubatch;
    for (const auto i : outputs_of(ubatch)) {
        const auto * dose = params.drugs.doses->of_token(ubatch, i);
        const auto & node = dose && dose->turns_cache(layer) ? here.back() : here.front();

        const ggml_tensor * weights = node.tensor; // [n_kv, n_tokens/n_stream, n_head, n_stream]
        const int64_t n_kv   = weights->ne[0];
        const int64_t n_head = weights->ne[2];

        const auto      positions   = positions_of_cells(node.cells.cache, ubatch, i, n_kv);
        const llama_pos n_positions = 1 + *std::max_element(positions.begin(), positions.end());

        llama_trace_piece piece = { LLAMA_TRACE_ATTENTION, layer, n_positions, std::vector<float>(n_positions*n_head) };
        std::vector<float> of_head(n_kv);
        for (int64_t h = 0; h < n_head; ++h) {
            const size_t offset = i % weights->ne[1]*weights->nb[1] + h*weights->nb[2] + i/weights->ne[1]*weights->nb[3];
            ggml_backend_tensor_get(weights, of_head.data(), offset, n_kv*sizeof(float));
            for (int64_t cell = 0; cell < n_kv; ++cell) {
                if (positions[cell] >= 0) {
                    piece.data[h*n_positions + positions[cell]] += of_head[cell]; // weights of other sequences are 0
                }
            }
        }
        rows[first_row++].pieces.push_back(std::move(piece));
    }
}

llama_trace_record * llama_trace_start(const llm_graph_params & params) {
    if (params.trace) {
        params.trace->start_graph();
    }
    return params.trace.get();
}

void llama_trace_mark(const llm_graph_params & params) {
    if (params.trace) {
        params.trace->mark(params);
    }
}

void llama_trace_read(const llm_graph_params & params) {
    if (params.trace) {
        ggml_backend_sched_synchronize(params.sched);
        params.trace->read(params);
    }
}
