// Computes the ops on a device that ggml knows, such as a card.

#include "on_device.h"

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-impl.h"

#include <map>
#include <vector>

namespace {

struct device {
    ggml_backend_dev_t dev     = nullptr;
    ggml_backend_t     backend = nullptr;
};

device & chosen() {
    static device of;
    return of;
}

// the same tensors, in the device's memory
struct copies {
    ggml_context * ctx;
    std::map<const ggml_tensor *, ggml_tensor *> of;

    ggml_tensor * whole(const ggml_tensor * t) {
        ggml_tensor *& copy = of[t];
        copy = copy ? copy : ggml_new_tensor(ctx, t->type, GGML_MAX_DIMS, t->ne);
        return copy;
    }

    ggml_tensor * copy(const ggml_tensor * t) {
        if (!t || !t->view_src) {
            return t ? whole(t) : nullptr;
        }
        return ggml_view_4d(ctx, whole(t->view_src), t->ne[0], t->ne[1], t->ne[2], t->ne[3], t->nb[1], t->nb[2], t->nb[3], t->view_offs);
    }
};

} // namespace

bool choose_device(const char * name) {
    ggml_backend_load_all();
    chosen().dev     = ggml_backend_dev_by_name(name);
    chosen().backend = chosen().dev ? ggml_backend_dev_init(chosen().dev, nullptr) : nullptr;
    return chosen().backend != nullptr;
}

bool device_supports(const ggml_tensor * op) {
    return ggml_backend_dev_supports_op(chosen().dev, op);
}

void run_on_device(ggml_tensor * dst) {
    copies there = { ggml_init({ 64*ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, /*.no_alloc =*/ true }), {} };

    ggml_tensor * op = ggml_new_tensor(there.ctx, dst->type, GGML_MAX_DIMS, dst->ne);
    op->op = dst->op;
    memcpy(op->op_params, dst->op_params, sizeof(op->op_params));
    for (int i = 0; i < GGML_MAX_SRC; ++i) {
        op->src[i] = there.copy(dst->src[i]);
    }
    ggml_cgraph * graph = ggml_new_graph(there.ctx);
    ggml_build_forward_expand(graph, op);

    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(there.ctx, chosen().backend);
    GGML_ASSERT(buffer);
    for (const auto & [here, copy] : there.of) {
        ggml_backend_tensor_set(copy, here->data, 0, ggml_nbytes(here));
    }
    GGML_ASSERT(ggml_backend_graph_compute(chosen().backend, graph) == GGML_STATUS_SUCCESS);
    ggml_backend_tensor_get(op, dst->data, 0, ggml_nbytes(dst));
    ggml_backend_buffer_free(buffer);
    ggml_free(there.ctx);
}
