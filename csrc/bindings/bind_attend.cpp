// attend_scores, attend_values: the ops for keys and values on their own, on any device, to examine their mathematics.

#include "bindings.h"
#include "names.h"
#include "op_graph.h"

#include "ggml-random-rotate.h"
#include "random-rotate-math.h"

#include <pybind11/numpy.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace py = pybind11;

using float_array = py::array_t<float,   py::array::c_style | py::array::forcecast>;
using int_array   = py::array_t<int32_t, py::array::c_style | py::array::forcecast>;

// tokens that read a cache: one sequence, one dose
struct dosed_tokens {
    float                theta;
    std::vector<int32_t> tokens; // [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
    std::vector<int32_t> cells;  // [n_kv]
    int32_t              layer;
    int32_t              n_threads;
};

static dosed_tokens dosed_tokens_of(float theta, uint32_t seed, const int_array & positions, const int_array & cells, int32_t layer,
        int32_t sink, int32_t n_threads, const op_kinds & kinds) {
    check(std::isfinite(theta) && theta >= 0.0f, "theta is " + std::to_string(theta) + ": angles are radians, finite, zero or more");
    check(layer >= 0 && layer < RANDOM_ROTATE_MAX_LAYERS, "layer is " + std::to_string(layer) + ": layers go from 0 to " + std::to_string(RANDOM_ROTATE_MAX_LAYERS - 1));
    check(n_threads >= 1 && n_threads <= 512, "n_threads is " + std::to_string(n_threads) + ": it must be 1 to 512");
    check(positions.ndim() == 1 && positions.size() > 0 && cells.ndim() == 1 && cells.size() > 0, "positions and cells are one-dimensional, not empty");

    dosed_tokens dosed = { theta, {}, { cells.data(), cells.data() + cells.size() }, layer, n_threads };
    dosed.tokens.resize(GGML_RANDOM_ROTATE_TOKEN_SIZE*positions.size());
    for (py::ssize_t i = 0; i < positions.size(); ++i) {
        kinds.set_token(&dosed.tokens[GGML_RANDOM_ROTATE_TOKEN_SIZE*i], seed, positions.at(i), sink);
    }
    return dosed;
}

static void check_heads(py::ssize_t n_head) {
    check(n_head >= 1 && n_head <= RANDOM_ROTATE_MAX_HEADS, "there are " + std::to_string(n_head) + " query heads: there can be 1 to " +
        std::to_string(RANDOM_ROTATE_MAX_HEADS));
}

static ggml_type type_of(const std::string & name) {
    for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
        const ggml_type_traits * traits = ggml_get_type_traits((ggml_type) type);
        if (traits->type_name && name == traits->type_name && (type == GGML_TYPE_F32 || (traits->from_float_ref && traits->to_float))) {
            return (ggml_type) type;
        }
    }
    throw py::value_error("unknown type '" + name + "': ggml's names are f32, f16, q8_0, ...");
}

static std::vector<char> as_type(const float * x, int64_t n, ggml_type type) {
    std::vector<char> data(ggml_row_size(type, n));
    if (type == GGML_TYPE_F32) {
        std::copy(x, x + n, (float *) data.data());
    } else {
        ggml_quantize_init(type); // some types have tables
        ggml_get_type_traits(type)->from_float_ref(x, data.data(), n);
    }
    return data;
}

// the small inputs of an op
struct dose_inputs {
    ggml_tensor * doses;
    ggml_tensor * tokens;
    ggml_tensor * cells;

    dose_inputs(ggml_context * ctx, const dosed_tokens & dosed) {
        doses  = ggml_new_tensor_3d(ctx, GGML_TYPE_F32, LLAMA_DRUGS_SITE_COUNT, dosed.layer + 1, 1);
        tokens = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, dosed.tokens.size()/GGML_RANDOM_ROTATE_TOKEN_SIZE);
        cells  = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, dosed.cells.size(), 1);
    }

    void set(const dosed_tokens & dosed) const {
        const std::vector<float> table(ggml_nelements(doses), dosed.theta);
        ggml_backend_tensor_set(doses,  table.data(),         0, ggml_nbytes(doses));
        ggml_backend_tensor_set(tokens, dosed.tokens.data(), 0, ggml_nbytes(tokens));
        ggml_backend_tensor_set(cells,  dosed.cells.data(),  0, ggml_nbytes(cells));
    }
};

static py::array_t<float> attend_scores(const float_array & q, const float_array & k, float theta, uint32_t seed,
        const int_array & positions, const int_array & cells, int32_t layer, int32_t sink, int32_t n_threads,
        const std::string & noise, const std::string & type_name, const std::string & device, const std::string & angle,
        const std::string & turn) {
    check(q.ndim() == 3 && k.ndim() == 3 && q.shape(2) == k.shape(2) && k.shape(1) > 0 && q.shape(1) % k.shape(1) == 0,
        "q is (n_tokens, n_head, d) and k (n_kv, n_head_kv, d), with n_head a multiple of n_head_kv");
    check_heads(q.shape(1));
    const ggml_type type = type_of(type_name);
    check(q.shape(2) > 0 && q.shape(2) % ggml_blck_size(type) == 0, "d must be a multiple of " + std::to_string(ggml_blck_size(type)));
    const dosed_tokens dosed = dosed_tokens_of(theta, seed, positions, cells, layer, sink, n_threads, op_kinds(noise, angle, turn));
    check(positions.size() == q.shape(0) && cells.size() == k.shape(0), "give one position per token and one cell per key");

    py::array_t<float> y({ q.shape(1), q.shape(0), k.shape(0) }); // (n_head, n_tokens, n_kv)
    float * out = y.mutable_data();
    {
        // safe without the GIL: only the memory of q, k and y is accessed, and this call holds the arrays
        py::gil_scoped_release release;
        backend_ptr backend = backend_of(device, n_threads);
        context_ptr ctx     = no_alloc_context();

        ggml_tensor * tq = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, q.shape(2), q.shape(1), q.shape(0));
        ggml_tensor * tk = ggml_new_tensor_3d(ctx.get(), type,          k.shape(2), k.shape(1), k.shape(0));
        const dose_inputs inputs(ctx.get(), dosed);

        ggml_tensor * pq = ggml_permute(ctx.get(), tq, 0, 2, 1, 3);
        ggml_tensor * pk = ggml_permute(ctx.get(), tk, 0, 2, 1, 3);
        ggml_tensor * kq = ggml_random_rotate_scores(ctx.get(), pq, pk, nullptr, inputs.cells, inputs.doses, inputs.tokens, layer, LLAMA_DRUGS_SITE_K);

        ggml_cgraph * graph = ggml_new_graph(ctx.get());
        ggml_build_forward_expand(graph, kq);

        buffer_ptr buffer = allocate(ctx.get(), backend.get());
        inputs.set(dosed);
        ggml_backend_tensor_set(tq, q.data(), 0, ggml_nbytes(tq));
        ggml_backend_tensor_set(tk, as_type(k.data(), k.size(), type).data(), 0, ggml_nbytes(tk));
        compute_graph(backend.get(), graph);
        ggml_backend_tensor_get(kq, out, 0, ggml_nbytes(kq));
    }
    return y;
}

static py::array_t<float> attend_values(const float_array & p, const float_array & v, bool transposed, float theta, uint32_t seed,
        const int_array & positions, const int_array & cells, int32_t layer, int32_t sink, int32_t n_threads,
        const std::string & noise, const std::string & type_name, const std::string & device, const std::string & angle,
        const std::string & turn) {
    check(p.ndim() == 3 && v.ndim() == 3 && p.shape(2) == v.shape(transposed ? 2 : 0), "p is (n_head, n_tokens, n_kv) and v (n_kv, n_head_kv, d), or (n_head_kv, d, n_kv) if transposed");
    const int64_t n_head_kv = v.shape(transposed ? 0 : 1);
    const int64_t d         = v.shape(transposed ? 1 : 2);
    check(n_head_kv > 0 && d > 0 && p.shape(0) % n_head_kv == 0, "n_head must be a multiple of n_head_kv");
    check_heads(p.shape(0));
    const ggml_type type = type_of(type_name);
    check(v.shape(2) % ggml_blck_size(type) == 0 && !(transposed && ggml_blck_size(type) > 1), type_name + " does not fit the shape of v");
    const dosed_tokens dosed = dosed_tokens_of(theta, seed, positions, cells, layer, sink, n_threads, op_kinds(noise, angle, turn));
    check(positions.size() == p.shape(1) && cells.size() == p.shape(2), "give one position per token and one cell per value");

    py::array_t<float> y({ (py::ssize_t) p.shape(0), (py::ssize_t) p.shape(1), (py::ssize_t) d }); // (n_head, n_tokens, d)
    float * out = y.mutable_data();
    {
        // safe without the GIL: only the memory of p, v and y is accessed, and this call holds the arrays
        py::gil_scoped_release release;
        backend_ptr backend = backend_of(device, n_threads);
        context_ptr ctx     = no_alloc_context();

        ggml_tensor * tp = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, p.shape(2), p.shape(1), p.shape(0));
        ggml_tensor * tv = ggml_new_tensor_3d(ctx.get(), type,          v.shape(2), v.shape(1), v.shape(0));
        const dose_inputs inputs(ctx.get(), dosed);

        ggml_tensor * pv = transposed ? tv : ggml_permute(ctx.get(), tv, 0, 2, 1, 3);
        ggml_tensor * kqv = ggml_random_rotate_values(ctx.get(), tp, pv, transposed, inputs.cells, inputs.doses, inputs.tokens, layer, LLAMA_DRUGS_SITE_V);

        ggml_cgraph * graph = ggml_new_graph(ctx.get());
        ggml_build_forward_expand(graph, kqv);

        buffer_ptr buffer = allocate(ctx.get(), backend.get());
        inputs.set(dosed);
        ggml_backend_tensor_set(tp, p.data(), 0, ggml_nbytes(tp));
        ggml_backend_tensor_set(tv, as_type(v.data(), v.size(), type).data(), 0, ggml_nbytes(tv));
        compute_graph(backend.get(), graph);
        ggml_backend_tensor_get(kqv, out, 0, ggml_nbytes(kqv));
    }
    return y;
}

void bind_attend(py::module_ & m) {
    m.def("attend_scores", &attend_scores, py::arg("q"), py::arg("k"), py::arg("theta"), py::arg("seed"), py::arg("positions"),
        py::arg("cells"), py::arg("layer") = 0, py::arg("sink") = 0, py::arg("n_threads") = 1, py::arg("noise") = "isotropic",
        py::arg("cache_type") = "f32", py::arg("device") = "CPU", py::arg("angle") = "uniform", py::arg("turn") = "rotation",
        "Scores (n_head, n_tokens, n_kv) of queries (n_tokens, n_head, d) with keys (n_kv, n_head_kv, d) that are turned for each of them.");
    m.def("attend_values", &attend_values, py::arg("p"), py::arg("v"), py::arg("transposed"), py::arg("theta"), py::arg("seed"),
        py::arg("positions"), py::arg("cells"), py::arg("layer") = 0, py::arg("sink") = 0, py::arg("n_threads") = 1,
        py::arg("noise") = "isotropic", py::arg("cache_type") = "f32", py::arg("device") = "CPU",
        py::arg("angle") = "uniform", py::arg("turn") = "rotation",
        "Values weighted by p (n_head, n_tokens, n_kv), turned for each query head: (n_head, n_tokens, d).");
}
