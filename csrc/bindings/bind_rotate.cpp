// rotate: the op GGML_OP_RANDOM_ROTATE on its own, on any device, to examine its mathematics.

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

using strided_array = py::array_t<float>; // (n_tokens, n_head, d), any strides
using int_array   = py::array_t<int32_t, py::array::c_style | py::array::forcecast>;

// rows as they are laid out in memory, so that the op gets the original strides
struct strided_rows {
    const float * data;
    int64_t d, n_head, n_tokens;
    int64_t stride_d, stride_head, stride_token; // in numbers

    int64_t span() const { return 1 + (d - 1)*stride_d + (n_head - 1)*stride_head + (n_tokens - 1)*stride_token; }
};

static strided_rows rows_of(const strided_array & x) {
    const auto stride = [&](int i) { return (int64_t) (x.strides(i)/(py::ssize_t) sizeof(float)); };
    return { x.data(), x.shape(2), x.shape(1), x.shape(0), stride(2), stride(1), stride(0) };
}

// returns false for strides that ggml does not support: negative, zero, or with overlapping rows
static bool strides_fit(const strided_array & x) {
    for (int i = 0; i < 3; ++i) {
        if (x.strides(i) <= 0 || x.strides(i) % (py::ssize_t) sizeof(float) != 0) {
            return false;
        }
    }
    return rows_of(x).span() >= x.size();
}

static void compute(const strided_rows & rows, float theta, const std::vector<int32_t> & tokens, int32_t layer,
        llama_drugs_site site, int32_t n_threads, const std::string & device, float * out) {
    backend_ptr backend = backend_of(device, n_threads);
    context_ptr ctx = no_alloc_context();

    ggml_tensor * base  = ggml_new_tensor_1d(ctx.get(), GGML_TYPE_F32, rows.span());
    ggml_tensor * doses = ggml_new_tensor_3d(ctx.get(), GGML_TYPE_F32, LLAMA_DRUGS_SITE_COUNT, layer + 1, 1);
    ggml_tensor * keys  = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, rows.n_tokens);

    ggml_tensor * x = ggml_view_3d(ctx.get(), base, rows.d, rows.n_head, rows.n_tokens,
        rows.stride_head*sizeof(float), rows.stride_token*sizeof(float), 0);
    x->nb[0] = rows.stride_d*sizeof(float);

    ggml_tensor * y     = ggml_random_rotate(ctx.get(), x, doses, keys, layer, site);
    ggml_cgraph * graph = ggml_new_graph(ctx.get());
    ggml_build_forward_expand(graph, y);

    buffer_ptr buffer = allocate(ctx.get(), backend.get());
    const std::vector<float> table(LLAMA_DRUGS_SITE_COUNT*(layer + 1), theta);
    ggml_backend_tensor_set(base,  rows.data,     0, rows.span()*sizeof(float));
    ggml_backend_tensor_set(doses, table.data(),  0, table.size()*sizeof(float));
    ggml_backend_tensor_set(keys,  tokens.data(), 0, tokens.size()*sizeof(int32_t));

    compute_graph(backend.get(), graph);
    ggml_backend_tensor_get(y, out, 0, ggml_nbytes(y));
}

static strided_array rotate(strided_array x, float theta, uint32_t seed, const int_array & positions, int32_t layer,
        const std::string & site_name, int32_t n_threads, const std::string & noise, const std::string & device, const std::string & angle,
        const std::string & turn, int32_t apart) {
    const llama_drugs_site site = site_of(site_name);
    const op_kinds kinds(noise, angle, turn, apart);
    check(x.ndim() == 3 && x.size() > 0, "x has shape " + py::str(x.attr("shape")).cast<std::string>() + ": it must be (n_tokens, n_head, d), not empty");
    check(positions.ndim() == 1 && positions.size() == x.shape(0), "positions has " + std::to_string(positions.size()) + " numbers for " +
        std::to_string(x.shape(0)) + " tokens: give one position per token");
    check(std::isfinite(theta) && theta >= 0.0f, "theta is " + std::to_string(theta) + ": angles are radians, finite, zero or more");
    check(x.shape(1) <= RANDOM_ROTATE_MAX_HEADS, "x has " + std::to_string(x.shape(1)) + " heads: there can be " + std::to_string(RANDOM_ROTATE_MAX_HEADS));
    check(layer >= 0 && layer < RANDOM_ROTATE_MAX_LAYERS, "layer is " + std::to_string(layer) + ": layers go from 0 to " + std::to_string(RANDOM_ROTATE_MAX_LAYERS - 1));
    check(apart >= 0, "apart is " + std::to_string(apart) + ": it must be 0 or more");
    check(n_threads >= 1 && n_threads <= 512, "n_threads is " + std::to_string(n_threads) + ": it must be 1 to 512");

    if (!strides_fit(x)) {
        x = strided_array::ensure(x.attr("copy")("C"));
    }
    std::vector<int32_t> tokens(GGML_RANDOM_ROTATE_TOKEN_SIZE*positions.size());
    for (py::ssize_t i = 0; i < positions.size(); ++i) {
        kinds.set_token(&tokens[GGML_RANDOM_ROTATE_TOKEN_SIZE*i], seed, positions.at(i), 0);
    }
    strided_array y({ x.shape(0), x.shape(1), x.shape(2) });

    const strided_rows rows = rows_of(x);
    float * out = y.mutable_data();
    {
        // safe without the GIL: only the memory of x and y is accessed, and this call holds both arrays
        py::gil_scoped_release release;
        compute(rows, theta, tokens, layer, site, n_threads, device, out);
    }
    return y;
}

void bind_rotate(py::module_ & m) {
    m.def("rotate", &rotate, py::arg("x"), py::arg("theta"), py::arg("seed"), py::arg("positions"), py::arg("layer"),
        py::arg("site"), py::arg("n_threads") = 1, py::arg("noise") = "isotropic", py::arg("device") = "CPU",
        py::arg("angle") = "uniform", py::arg("turn") = "rotation", py::arg("apart") = 0,
        "Turn each row of x (n_tokens, n_head, d) by a random angle below theta radians, as the model does at a site.");
}
