#include "random-rotate-metal.h"

#include "random-rotate-gpu-host.h"
#include "random-rotate-metal-source.h" // made by cmake/MetalSource.cmake

#include "ggml-backend-impl.h"

#include <cstdio>
#include <map>
#include <mutex>

// Our kernels, for each device; nullptr where it cannot compile them, so that the CPU computes the ops. A library beside upstream's:
// should this one fail, upstream's kernels are there all the same, and without a dose it is not compiled at all.
static ggml_metal_library_t library_of(ggml_metal_device_t dev) {
    static std::mutex mutex;
    static std::map<ggml_metal_device_t, ggml_metal_library_t> libraries; // to the end of the process, as devices are

    std::lock_guard<std::mutex> lock(mutex);
    const auto known = libraries.find(dev);
    if (known != libraries.end()) {
        return known->second;
    }
    return libraries[dev] = ggml_metal_library_init_from_source(dev, RANDOM_ROTATE_METAL_SOURCE, /*verbose =*/ true);
}

static ggml_metal_buffer_id buffer_of(const ggml_tensor * t) {
    ggml_backend_buffer_t buffer = t->view_src ? t->view_src->buffer : t->buffer;
    return ggml_metal_buffer_get_id((ggml_metal_buffer_t) buffer->context, t);
}

static ggml_metal_pipeline_with_params pipeline_of(ggml_metal_library_t lib, const char * name) {
    ggml_metal_pipeline_with_params pipeline = ggml_metal_library_get_pipeline(lib, name);
    return pipeline.pipeline ? pipeline : ggml_metal_library_compile_pipeline(lib, name, name, nullptr);
}

// one dispatch; args first, then the tensors in the order of the kernel's parameters
struct dispatch {
    ggml_metal_encoder_t enc;
    int                  n_buffers = 0;

    dispatch(ggml_metal_library_t lib, ggml_metal_encoder_t enc, const char * kernel, const char * variant) : enc(enc) {
        char name[128];
        snprintf(name, sizeof(name), "kernel_random_rotate_%s_%s", kernel, variant);
        ggml_metal_encoder_set_pipeline(enc, pipeline_of(lib, name));
    }

    template <typename arguments>
    void set_args(arguments args) {
        ggml_metal_encoder_set_bytes(enc, &args, sizeof(args), n_buffers++);
    }

    void set(ggml_metal_buffer_id buffer) {
        ggml_metal_encoder_set_buffer(enc, buffer, n_buffers++);
    }

    void set(const ggml_tensor * t) {
        set(buffer_of(t));
    }

    // Metal takes shared memory in steps of 16 bytes
    void run(int64_t n0, int64_t n1, int64_t n2, int n_threads, size_t n_shared) {
        ggml_metal_encoder_set_threadgroup_memory_size(enc, GGML_PAD(n_shared, 16), 0);
        ggml_metal_encoder_dispatch_threadgroups(enc, (int) n0, (int) n1, (int) n2, n_threads, 1, 1);
    }
};

static constexpr size_t SIMD_SUMS = RANDOM_ROTATE_MAX_THREADS/RANDOM_ROTATE_SIMD*sizeof(float);

static void turn_rows(ggml_metal_library_t lib, ggml_metal_encoder_t enc, const ggml_tensor * op) {
    char n_quads[16];
    snprintf(n_quads, sizeof(n_quads), "%d", random_rotate_quads(op->ne[0]));

    dispatch rows(lib, enc, "rows", n_quads);
    rows.set_args(random_rotate_rows_args_of(op));
    rows.set(op->src[0]);
    rows.set(op->src[1]);
    rows.set(op->src[2]);
    rows.set(op->src[3] ? op->src[3] : op->src[0]); // something has to be there
    rows.set(op);
    rows.run(op->ne[1]*op->ne[2], 1, 1, random_rotate_row_threads(op->ne[0]), SIMD_SUMS);
}

static void turn_keys(ggml_metal_library_t lib, ggml_metal_encoder_t enc, const ggml_tensor * op) {
    const random_rotate_scores_args args = random_rotate_scores_args_of(op);

    dispatch scores(lib, enc, "scores", ggml_type_name(op->src[1]->type));
    scores.set_args(args);
    for (int i = 0; i < 5; ++i) {
        scores.set(op->src[i]);
    }
    scores.set(op->src[5] ? op->src[5] : op->src[0]); // something has to be there
    scores.set(op);
    scores.run(random_rotate_scores_tiles(args)*random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv),
        args.n_head_kv, op->ne[3], RANDOM_ROTATE_THREADS, sizeof(random_rotate_scores_shared));
}

static void turn_values(ggml_metal_library_t lib, ggml_metal_encoder_t enc, const ggml_tensor * op) {
    const random_rotate_values_args args = random_rotate_values_args_of(op);

    ggml_metal_buffer_id parts = buffer_of(op);
    parts.offs += ggml_nbytes(op);

    dispatch sums(lib, enc, "values", ggml_type_name(op->src[1]->type));
    sums.set_args(args);
    for (int i = 0; i < 5; ++i) {
        sums.set(op->src[i]);
    }
    sums.set(parts);
    sums.run(args.n_chunks*random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv), args.n_head_kv, op->ne[3],
        RANDOM_ROTATE_THREADS, sizeof(random_rotate_values_shared));

    ggml_metal_encoder_memory_barrier(enc);

    dispatch finish(lib, enc, "values_finish", ggml_type_name(op->src[1]->type));
    finish.set_args(args);
    for (int i = 1; i < 4; ++i) {
        finish.set(op->src[i]);
    }
    finish.set(parts);
    finish.set(op);
    finish.run(ggml_nrows(op), 1, 1, random_rotate_row_threads(args.d), SIMD_SUMS);
}

bool ggml_metal_random_rotate_supported(ggml_metal_device_t dev, const ggml_tensor * op) {
    return random_rotate_gpu_supports(op) && library_of(dev);
}

size_t ggml_metal_random_rotate_extra(const ggml_tensor * op) {
    return op->op == GGML_OP_RANDOM_ROTATE_VALUES ? random_rotate_values_parts_size(op) : 0;
}

int ggml_metal_op_random_rotate(ggml_metal_device_t dev, ggml_metal_encoder_t enc, const ggml_tensor * op) {
    ggml_metal_library_t lib = library_of(dev);
    switch (op->op) {
        case GGML_OP_RANDOM_ROTATE_SCORES: turn_keys  (lib, enc, op); break;
        case GGML_OP_RANDOM_ROTATE_VALUES: turn_values(lib, enc, op); break;
        default:                           turn_rows  (lib, enc, op); break;
    }
    return 1;
}
