// The host side of Metal: the functions of upstream's wrappers around Apple's interface that
// random-rotate-metal.cpp calls.

#include "metal_host.h"
#include "on_host.h"

#include "random-rotate-metal.h"

#include "ggml-backend-impl.h"

struct ggml_metal_pipeline {
    metal_kernel run;
};

struct ggml_metal_encoder {
    ggml_metal_pipeline_t pipeline = nullptr;
    metal_launch          launch   = {};
    std::vector<char>     shared;
};

struct ggml_metal_library {
    std::string source;
};

ggml_metal_library_t ggml_metal_library_init_from_source(ggml_metal_device_t, const char * source, bool) {
    static ggml_metal_library library;
    library.source = source;
    return &library;
}

ggml_metal_pipeline_with_params ggml_metal_library_get_pipeline(ggml_metal_library_t, const char *) {
    return {};
}

ggml_metal_pipeline_with_params ggml_metal_library_compile_pipeline(ggml_metal_library_t library, const char *, const char * name, ggml_metal_cv_t) {
    static ggml_metal_pipeline pipeline;
    pipeline.run = metal_kernel_named(name);
    if (!pipeline.run || library->source.find("host_name(\"" + std::string(name) + "\")") == std::string::npos) {
        fprintf(stderr, "there is no kernel '%s'\n", name);
        exit(1);
    }
    ggml_metal_pipeline_with_params result = {};
    result.pipeline = &pipeline;
    return result;
}

void ggml_metal_encoder_set_pipeline(ggml_metal_encoder_t enc, ggml_metal_pipeline_with_params pipeline) {
    enc->pipeline = pipeline.pipeline;
    enc->launch   = {};
}

static void set(ggml_metal_encoder_t enc, int idx, std::vector<char> bytes, void * tensor) {
    enc->launch.arguments.resize(idx + 1);
    enc->launch.tensors  .resize(idx + 1);
    enc->launch.arguments[idx] = std::move(bytes);
    enc->launch.tensors  [idx] = tensor;
}

void ggml_metal_encoder_set_bytes(ggml_metal_encoder_t enc, void * data, size_t size, int idx) {
    set(enc, idx, std::vector<char>((char *) data, (char *) data + size), nullptr);
}

void ggml_metal_encoder_set_buffer(ggml_metal_encoder_t enc, ggml_metal_buffer_id buffer, int idx) {
    set(enc, idx, {}, (char *) buffer.metal + buffer.offs);
}

void ggml_metal_encoder_set_threadgroup_memory_size(ggml_metal_encoder_t enc, size_t size, int) {
    GGML_ASSERT(size % 16 == 0 && size <= 32*1024);
    enc->shared.resize(size);
}

void ggml_metal_encoder_dispatch_threadgroups(ggml_metal_encoder_t enc, int tg0, int tg1, int tg2, int tptg0, int tptg1, int tptg2) {
    enc->launch.shared = &enc->shared;
    lockstep::run_grid({ (uint32_t) tg0, (uint32_t) tg1, (uint32_t) tg2 }, { (uint32_t) tptg0, (uint32_t) tptg1, (uint32_t) tptg2 },
        [&] { enc->pipeline->run(enc->launch); }, [&] { std::fill(enc->shared.begin(), enc->shared.end(), (char) 0xff); }); // NaN
}

void ggml_metal_encoder_memory_barrier(ggml_metal_encoder_t) {}

ggml_metal_buffer_id ggml_metal_buffer_get_id(ggml_metal_buffer_t, const ggml_tensor * t) {
    return { t->data, 0 };
}

bool metal_supports(const ggml_tensor * op) {
    return ggml_metal_random_rotate_supported(nullptr, op);
}

// the backend's tensors are in its buffers
static void give_buffer(ggml_tensor * t) {
    static ggml_backend_buffer buffer = {};
    (t->view_src ? t->view_src : t)->buffer = &buffer;
}

void run_metal(ggml_tensor * dst) {
    give_buffer(dst);
    for (ggml_tensor * src : dst->src) {
        if (src) {
            give_buffer(src);
        }
    }

    // with room after the result, as in the backend's buffers
    std::vector<char> memory(ggml_nbytes(dst) + ggml_metal_random_rotate_extra(dst), (char) 0xff);
    void * data = dst->data;
    dst->data = memory.data();

    ggml_metal_encoder enc;
    GGML_ASSERT(ggml_metal_op_random_rotate(nullptr, &enc, dst) == 1);

    dst->data = data;
    memcpy(data, memory.data(), ggml_nbytes(dst));
}
