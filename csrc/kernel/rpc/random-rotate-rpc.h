// Whether a device of an RPC server can turn vectors. Included by ggml-rpc.cpp, after the declarations that it uses.
//
// A server without these ops would abort on them; it has another RPC_PROTO_PATCH_VERSION. A server that has them may still have a
// device without kernels for them: when asked how much memory a result needs, it then answers zero. The scheduler runs what a
// device cannot compute on this computer.

#pragma once

#include "ggml-random-rotate.h"

#include <cstddef>

// what a kernel may depend on: positions and doses are data, layer and site are mere numbers
static rpc_tensor rpc_random_rotate_shape(const ggml_tensor * tensor) {
    rpc_tensor shape = {};
    shape.id   = 1; // 0 would mean that there is no tensor
    shape.type = tensor->type;
    for (int i = 0; i < GGML_MAX_DIMS; i++) {
        shape.ne[i] = tensor->ne[i];
        shape.nb[i] = tensor->nb[i];
    }
    if (ggml_is_random_rotate(tensor)) {
        shape.op           = tensor->op;
        shape.op_params[2] = tensor->op_params[2];
    }
    return shape;
}

// The scheduler asks for every node of every new graph, so the server's answers are cached.
static bool rpc_random_rotate_supported(const std::string & endpoint, uint32_t device, const ggml_tensor * op) {
    const auto dispatcher = get_dispatcher(endpoint);
    if (dispatcher->peer_patch != RPC_PROTO_PATCH_VERSION) {
        return false;
    }
    auto request = std::make_shared<rpc_msg_get_alloc_size_req>();
    request->device = device;

    uint64_t question = fnv_hash((const uint8_t *) endpoint.data(), endpoint.size());
    question = fnv_hash((const uint8_t *) &device, sizeof(device), question);
    const auto add = [&](rpc_tensor & to, const ggml_tensor * tensor) {
        to = rpc_random_rotate_shape(tensor);
        question = fnv_hash((const uint8_t *) &to, offsetof(rpc_tensor, flags), question);
    };
    add(request->tensor, op);
    for (int i = 0; i < GGML_MAX_SRC && op->src[i]; i++) {
        add(request->srcs[i], op->src[i]);
    }

    static std::mutex mutex;
    static std::unordered_map<uint64_t, bool> answers;
    {
        std::lock_guard<std::mutex> lock(mutex);
        const auto known = answers.find(question);
        if (known != answers.end()) {
            return known->second;
        }
    }
    rpc_msg_get_alloc_size_rsp response;
    dispatcher->send(RPC_CMD_GET_ALLOC_SIZE, request, sizeof(*request), &response, sizeof(response));

    std::lock_guard<std::mutex> lock(mutex);
    return answers[question] = response.alloc_size > 0;
}
