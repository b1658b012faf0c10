// The shaders, and what launches them.

#include "on_host.h"

#include "random-rotate-vulkan-host.h"

#include "vulkan_shim/glsl.h"

#include "arithmetic.h"

// for both tensors that all shaders read
struct shader {
    static inline glsl::buffer<const float>   dose_data;
    static inline glsl::buffer<const int32_t> token_data;
};

struct rows_shader : shader {
#include "random-rotate-rows.comp"
};

struct scores_shader : shader {
#include "random-rotate-scores.comp"
};

struct values_shader : shader {
#include "random-rotate-values.comp"
};

struct finish_shader : shader {
#include "random-rotate-finish.comp"
};

template <typename type>
static void bind(glsl::buffer<type> & buffer, const ggml_tensor * t) {
    buffer.data = (type *) t->data;
    buffer.n    = ggml_nbytes(t)/sizeof(type);
}

static uint32_t at_the_beginning(const ggml_tensor *) {
    return 0;
}

template <typename of>
static void run(random_rotate_vulkan_grid grid, int32_t n_threads) {
    of::n_threads = n_threads;
    lockstep::run_grid({ grid.x, grid.y, grid.z }, { (uint32_t) n_threads }, [] { of().main(); }, glsl::forget_shared);
}

static void turn_rows(ggml_tensor * dst) {
    const random_rotate_vulkan_slice slice = RANDOM_ROTATE_VULKAN_SLICES[random_rotate_vulkan_slice_of(dst->ne[0])];
    bind(shader::dose_data,      dst->src[1]);
    bind(shader::token_data,     dst->src[2]);
    bind(rows_shader::x_data,    dst->src[0]);
    bind(rows_shader::head_data, dst->src[3] ? dst->src[3] : dst->src[0]);
    bind(rows_shader::y_data,    dst);
    rows_shader::args    = random_rotate_vulkan_rows_of(dst, at_the_beginning);
    rows_shader::n_quads = (int32_t) slice.n_quads;
    run<rows_shader>(random_rotate_vulkan_grid_of_rows(ggml_nrows(dst)), (int32_t) slice.n_threads);
}

static void turn_keys(ggml_tensor * dst) {
    bind(shader::dose_data,         dst->src[2]);
    bind(shader::token_data,        dst->src[3]);
    bind(scores_shader::q_data,     dst->src[0]);
    bind(scores_shader::cache_data, dst->src[1]);
    bind(scores_shader::cell_data,  dst->src[4]);
    bind(scores_shader::mask_data,  dst->src[5] ? dst->src[5] : dst->src[1]);
    bind(scores_shader::y_data,     dst);
    scores_shader::args       = random_rotate_vulkan_scores_of(dst, at_the_beginning);
    scores_shader::cache_type = dst->src[1]->type;
    run<scores_shader>(random_rotate_vulkan_grid_of(scores_shader::args, dst->ne[3]), RANDOM_ROTATE_VULKAN_THREADS);
}

static void turn_values(ggml_tensor * dst) {
    std::vector<float> parts(random_rotate_values_parts_size(dst)/sizeof(float), NAN);
    bind(shader::dose_data,         dst->src[2]);
    bind(shader::token_data,        dst->src[3]);
    bind(values_shader::p_data,     dst->src[0]);
    bind(values_shader::cache_data, dst->src[1]);
    bind(values_shader::cell_data,  dst->src[4]);
    values_shader::part_data  = { parts.data(), parts.size() };
    values_shader::args       = random_rotate_vulkan_values_of(dst, at_the_beginning);
    values_shader::cache_type = dst->src[1]->type;
    values_shader::n_slabs    = 1 << random_rotate_vulkan_log_slabs(dst->ne[0]);
    run<values_shader>(random_rotate_vulkan_grid_of(values_shader::args, dst->ne[3]), RANDOM_ROTATE_VULKAN_THREADS);

    bind(finish_shader::cache_data, dst->src[1]);
    bind(finish_shader::y_data,     dst);
    finish_shader::part_data  = { parts.data(), parts.size() };
    finish_shader::args       = values_shader::args;
    finish_shader::cache_type = dst->src[1]->type;
    finish_shader::n_quads    = 1 << random_rotate_vulkan_log_quads(dst->ne[0]);
    run<finish_shader>(random_rotate_vulkan_grid_of_rows(ggml_nrows(dst)), RANDOM_ROTATE_VULKAN_THREADS);
}

bool vulkan_supports(const ggml_tensor * op) {
    return random_rotate_vulkan_supports(op);
}

void run_vulkan(ggml_tensor * dst) {
    switch (dst->op) {
        case GGML_OP_RANDOM_ROTATE_SCORES: turn_keys  (dst); break;
        case GGML_OP_RANDOM_ROTATE_VALUES: turn_values(dst); break;
        default:                           turn_rows  (dst); break;
    }
}

void vulkan_arithmetic(uint32_t i, arithmetic & a) {
    a = arithmetic_of(i);
}
