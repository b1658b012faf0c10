// Which ops the shaders support, and how each is launched: push constants, constants that specialize a shader, and the number of
// workgroups. Knows nothing of Vulkan, so that tests can run the shaders without it.

#pragma once

#include "random-rotate-gpu-host.h"
#include "random-rotate-vulkan-args.h"

#include <functional>

static_assert(RANDOM_ROTATE_VULKAN_ROWS == RANDOM_ROTATE_ROWS && RANDOM_ROTATE_VULKAN_CELLS == RANDOM_ROTATE_CELLS,
    "chunks are divided as for the other GPUs");
static_assert(RANDOM_ROTATE_VULKAN_F32  == GGML_TYPE_F32  && RANDOM_ROTATE_VULKAN_F16  == GGML_TYPE_F16  &&
              RANDOM_ROTATE_VULKAN_BF16 == GGML_TYPE_BF16 && RANDOM_ROTATE_VULKAN_Q8_0 == GGML_TYPE_Q8_0 &&
              RANDOM_ROTATE_VULKAN_Q4_0 == GGML_TYPE_Q4_0 && RANDOM_ROTATE_VULKAN_Q4_1 == GGML_TYPE_Q4_1 &&
              RANDOM_ROTATE_VULKAN_Q5_0 == GGML_TYPE_Q5_0 && RANDOM_ROTATE_VULKAN_Q5_1 == GGML_TYPE_Q5_1, "shaders know the types by number");
static_assert(sizeof(random_rotate_vulkan_rows) <= 128 && sizeof(random_rotate_vulkan_scores) <= 128 &&
              sizeof(random_rotate_vulkan_values) <= 128, "every device has that much room for push constants");

// workgroups along the axes of a grid
struct random_rotate_vulkan_grid {
    uint32_t x;
    uint32_t y;
    uint32_t z;
};

// one workgroup per row
static inline random_rotate_vulkan_grid random_rotate_vulkan_grid_of_rows(int64_t n_rows) {
    return { (uint32_t) std::min<int64_t>(n_rows, RANDOM_ROTATE_VULKAN_GRID),
        (uint32_t) ((n_rows + RANDOM_ROTATE_VULKAN_GRID - 1)/RANDOM_ROTATE_VULKAN_GRID), 1 };
}

static inline random_rotate_vulkan_grid random_rotate_vulkan_grid_of(const random_rotate_vulkan_scores & args, int64_t n_stream) {
    return { (uint32_t) ((args.n_kv + RANDOM_ROTATE_VULKAN_CELLS - 1)/RANDOM_ROTATE_VULKAN_CELLS),
        (uint32_t) random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv), (uint32_t) (args.n_head_kv*n_stream) };
}

static inline random_rotate_vulkan_grid random_rotate_vulkan_grid_of(const random_rotate_vulkan_values & args, int64_t n_stream) {
    return { (uint32_t) args.n_chunks, (uint32_t) random_rotate_row_blocks(args.n_tokens, args.n_head, args.n_head_kv),
        (uint32_t) (args.n_head_kv*n_stream) };
}

static inline bool random_rotate_vulkan_fits(random_rotate_vulkan_grid grid) {
    return grid.x <= RANDOM_ROTATE_VULKAN_GRID && grid.y <= RANDOM_ROTATE_VULKAN_GRID && grid.z <= RANDOM_ROTATE_VULKAN_GRID;
}

// where tensors begin in the buffers that shaders see, in bytes
typedef std::function<uint32_t(const ggml_tensor *)> random_rotate_vulkan_offsets;

static inline int32_t random_rotate_vulkan_numbers(size_t bytes) {
    return (int32_t) (bytes/sizeof(float));
}

static inline int32_t random_rotate_vulkan_words(size_t bytes) {
    return (int32_t) (bytes/sizeof(uint16_t));
}

static inline random_rotate_vulkan_place random_rotate_vulkan_place_of(const ggml_tensor * op, const ggml_tensor * doses,
        const ggml_tensor * tokens, const random_rotate_vulkan_offsets & at) {
    const random_rotate_place_args place = random_rotate_place_of(op, doses);
    return { random_rotate_vulkan_numbers(at(doses)), random_rotate_vulkan_numbers(at(tokens)), place.n_site, place.n_layer, place.layer,
        place.site };
}

static inline random_rotate_vulkan_rows random_rotate_vulkan_rows_of(const ggml_tensor * op, const random_rotate_vulkan_offsets & at) {
    const ggml_tensor * x     = op->src[0];
    const ggml_tensor * heads = op->src[3];

    random_rotate_vulkan_rows args = {};
    args.at        = random_rotate_vulkan_place_of(op, op->src[1], op->src[2], at);
    args.x_at      = random_rotate_vulkan_numbers(at(x));
    args.x_nb1     = random_rotate_vulkan_numbers(x->nb[1]);
    args.x_nb2     = random_rotate_vulkan_numbers(x->nb[2]);
    args.heads_at  = heads ? random_rotate_vulkan_numbers(at(heads)) : 0;
    args.heads_nb0 = heads ? random_rotate_vulkan_numbers(heads->nb[0]) : 0;
    args.heads_nb1 = heads ? random_rotate_vulkan_numbers(heads->nb[1]) : 0;
    args.d         = (int32_t) x->ne[0];
    args.n_head    = (int32_t) x->ne[1];
    args.n_rows    = (int32_t) ggml_nrows(x);
    args.only      = ggml_get_op_params_i32(op, 2);
    args.named     = heads != nullptr;
    return args;
}

static inline random_rotate_vulkan_scores random_rotate_vulkan_scores_of(const ggml_tensor * op, const random_rotate_vulkan_offsets & at) {
    const ggml_tensor * q    = op->src[0];
    const ggml_tensor * k    = op->src[1];
    const ggml_tensor * mask = op->src[5];

    random_rotate_vulkan_scores args = {};
    args.at        = random_rotate_vulkan_place_of(op, op->src[2], op->src[3], at);
    args.q_at      = random_rotate_vulkan_numbers(at(q));
    args.q_nb1     = random_rotate_vulkan_numbers(q->nb[1]);
    args.q_nb2     = random_rotate_vulkan_numbers(q->nb[2]);
    args.q_nb3     = random_rotate_vulkan_numbers(q->nb[3]);
    args.k_at      = random_rotate_vulkan_words(at(k));
    args.k_nb1     = random_rotate_vulkan_words(k->nb[1]);
    args.k_nb2     = random_rotate_vulkan_words(k->nb[2]);
    args.k_nb3     = random_rotate_vulkan_words(k->nb[3]);
    args.mask_at   = mask ? random_rotate_vulkan_words(at(mask)) : 0;
    args.mask_nb1  = mask ? random_rotate_vulkan_words(mask->nb[1]) : 0;
    args.mask_nb2  = mask ? random_rotate_vulkan_words(mask->nb[2]) : 0;
    args.mask_nb3  = mask ? random_rotate_vulkan_words(mask->nb[3]) : 0;
    args.cells_at  = random_rotate_vulkan_numbers(at(op->src[4]));
    args.d         = (int32_t) q->ne[0];
    args.n_kv      = (int32_t) k->ne[1];
    args.n_tokens  = (int32_t) q->ne[1];
    args.n_head    = (int32_t) q->ne[2];
    args.n_head_kv = (int32_t) k->ne[2];
    args.mask_ne2  = mask ? (int32_t) mask->ne[2] : 1;
    args.mask_ne3  = mask ? (int32_t) mask->ne[3] : 1;
    args.mask_type = !mask ? RANDOM_ROTATE_VULKAN_MASK_NONE :
        mask->type == GGML_TYPE_F16 ? RANDOM_ROTATE_VULKAN_MASK_F16 : RANDOM_ROTATE_VULKAN_MASK_F32;
    return args;
}

static inline random_rotate_vulkan_values random_rotate_vulkan_values_of(const ggml_tensor * op, const random_rotate_vulkan_offsets & at) {
    const ggml_tensor * p = op->src[0];
    const ggml_tensor * v = op->src[1];
    const random_rotate_values_args sizes = random_rotate_values_args_of(op);

    random_rotate_vulkan_values args = {};
    args.at         = random_rotate_vulkan_place_of(op, op->src[2], op->src[3], at);
    args.p_at       = random_rotate_vulkan_numbers(at(p));
    args.p_nb1      = random_rotate_vulkan_numbers(p->nb[1]);
    args.p_nb2      = random_rotate_vulkan_numbers(p->nb[2]);
    args.p_nb3      = random_rotate_vulkan_numbers(p->nb[3]);
    args.v_at       = random_rotate_vulkan_words(at(v));
    args.v_nb1      = random_rotate_vulkan_words(v->nb[1]);
    args.v_nb2      = random_rotate_vulkan_words(v->nb[2]);
    args.v_nb3      = random_rotate_vulkan_words(v->nb[3]);
    args.cells_at   = random_rotate_vulkan_numbers(at(op->src[4]));
    args.d          = sizes.d;
    args.n_kv       = sizes.n_kv;
    args.n_tokens   = sizes.n_tokens;
    args.n_head     = sizes.n_head;
    args.n_head_kv  = sizes.n_head_kv;
    args.n_rows     = (int32_t) ggml_nrows(op);
    args.transposed = sizes.transposed;
    args.n_chunk    = sizes.n_chunk;
    args.n_chunks   = sizes.n_chunks;
    return args;
}

//
// constants that specialize a shader
//

// threads per row and counters per thread, 0 if the row is too long for registers
struct random_rotate_vulkan_slice {
    uint32_t n_threads;
    uint32_t n_quads;
};

static const random_rotate_vulkan_slice RANDOM_ROTATE_VULKAN_SLICES[] = { { 32, 1 }, { 128, 1 }, { 256, 1 }, { 256, 2 }, { 256, 4 },
    { 256, 8 }, { 256, 0 } };

// which of these a row of d numbers needs
static inline int random_rotate_vulkan_slice_of(int64_t d) {
    const int64_t n_counters = (d + RANDOM_ROTATE_GROUP - 1)/RANDOM_ROTATE_GROUP*16;
    int of = 0;
    while (RANDOM_ROTATE_VULKAN_SLICES[of].n_quads != 0 &&
            RANDOM_ROTATE_VULKAN_SLICES[of].n_threads*RANDOM_ROTATE_VULKAN_SLICES[of].n_quads < n_counters) {
        of++;
    }
    return of;
}

// the logarithm of the number of slabs of a value, rounded up: 0 to 5
static inline int random_rotate_vulkan_log_slabs(int64_t d) {
    int log = 0;
    while ((RANDOM_ROTATE_VULKAN_WIDTH << log) < d) {
        log++;
    }
    return log;
}

// the logarithm of the number of counters per thread that finish a row, rounded up: 0 to 2
static inline int random_rotate_vulkan_log_quads(int64_t d) {
    return std::max(0, random_rotate_vulkan_log_slabs(d) - 3); // 128 threads have a counter for 512 numbers
}

static inline bool random_rotate_vulkan_supports(const ggml_tensor * op) {
    if (!random_rotate_gpu_supports(op) || ggml_is_empty(op) || ggml_is_empty(op->src[0])) {
        return false;
    }
    for (const ggml_tensor * t : { op, (const ggml_tensor *) op->src[0], (const ggml_tensor *) op->src[1], (const ggml_tensor *) op->src[5] }) {
        if (t && ggml_nbytes(t) > UINT32_MAX - 4096) {
            return false; // shaders count with 32 bits
        }
    }
    const auto anywhere = [](const ggml_tensor *) { return 0u; };
    switch (op->op) {
        case GGML_OP_RANDOM_ROTATE_SCORES:
            return random_rotate_vulkan_fits(random_rotate_vulkan_grid_of(random_rotate_vulkan_scores_of(op, anywhere), op->ne[3]));
        case GGML_OP_RANDOM_ROTATE_VALUES:
            return random_rotate_vulkan_fits(random_rotate_vulkan_grid_of(random_rotate_vulkan_values_of(op, anywhere), op->ne[3])) &&
                random_rotate_values_parts_size(op) <= UINT32_MAX;
        default:
            return true;
    }
}
