// Compares the GPU kernels, run on the CPU, with the CPU's own kernels: integers bit for bit, floats to 1e-5 of a
// vector's length. Prints the largest difference of each kernel, and returns 1 if one is too large.
//
// usage: check-kernels [DEVICE]     with a device's name, such as Vulkan0: what it computes

#include "on_device.h"
#include "on_host.h"

#include "random-rotate-cells.h" // the CPU's arithmetic: sixteen counters at once

#include "arithmetic.h"

#include "ggml-random-rotate.h"

#include <random>
#include <string>
#include <vector>

static constexpr float TOLERANCE = 1e-5f;

static std::mt19937 & generator() {
    static std::mt19937 of(1);
    return of;
}

static std::normal_distribution<float> & distribution() {
    static std::normal_distribution<float> of;
    return of;
}

static float normal() {
    return distribution()(generator());
}

// all backends get the same numbers
static void begin_again() {
    generator().seed(1);
    distribution().reset();
}

struct backend {
    const char * name;
    bool (* supports)(const ggml_tensor *);
    void (* run)(ggml_tensor *);
    void (* compute)(uint32_t, arithmetic &);
};

static const backend BACKENDS[] = {
    { "CUDA",   cuda_supports,   run_cuda,   cuda_arithmetic   },
    { "Metal",  metal_supports,  run_metal,  metal_arithmetic  },
    { "Vulkan", vulkan_supports, run_vulkan, vulkan_arithmetic },
};

struct context {
    ggml_context * ctx;

    context() : ctx(ggml_init({ 256*1024*1024, nullptr, false })) {}
    ~context() { ggml_free(ctx); }
};

static void compute_on_cpu(ggml_context * ctx, ggml_tensor * op) {
    ggml_cgraph * graph = ggml_new_graph(ctx);
    ggml_build_forward_expand(graph, op);
    GGML_ASSERT(ggml_graph_compute_with_ctx(ctx, graph, 2) == GGML_STATUS_SUCCESS);
}

static void fill(ggml_tensor * t, float scale) {
    std::vector<float> data(ggml_nelements(t));
    for (float & x : data) {
        x = scale*normal();
    }
    if (t->type == GGML_TYPE_F32) {
        memcpy(t->data, data.data(), ggml_nbytes(t));
    } else {
        ggml_quantize_chunk(t->type, data.data(), t->data, 0, ggml_nrows(t), t->ne[0], nullptr);
    }
}

// tokens of all kinds: sober ones, all kinds of noise, different tables; cached: only kinds that keys and values support
static void fill_dose(ggml_tensor * doses, ggml_tensor * tokens, float theta, int32_t first_position, bool cached) {
    for (int64_t i = 0; i < ggml_nelements(doses); ++i) {
        ((float *) doses->data)[i] = theta*(1.0f + 0.01f*(float) i);
    }
    for (int32_t i = 0; i < (int32_t) tokens->ne[1]; ++i) {
        int32_t of[GGML_RANDOM_ROTATE_TOKEN_SIZE];
        ggml_random_rotate_set_token(of, 0x5eed - 977*i, first_position + i, i % 5 == 4 ? -1 : i % (int32_t) doses->ne[2], i / 2 % 2, 6);
        const bool  reference = of[GGML_RANDOM_ROTATE_TOKEN_NOISE] == GGML_RANDOM_ROTATE_REFERENCE;
        const float factor    = i % 4 == 3 ? 0.5f : 1.0f;
        memcpy(of + GGML_RANDOM_ROTATE_TOKEN_FACTOR, &factor, sizeof(factor));
        of[GGML_RANDOM_ROTATE_TOKEN_ANGLE]   = i % 3;
        of[GGML_RANDOM_ROTATE_TOKEN_TURN]    = cached ? (reference ? 0 : i / 4 % 3) : i / 3 % 4;
        of[GGML_RANDOM_ROTATE_TOKEN_APART]   = !cached && !reference && i % 7 > 3 ? 5*i : 0;
        of[GGML_RANDOM_ROTATE_TOKEN_LAYERS]  = i % 3 == 2 ? 0 : -1;
        of[GGML_RANDOM_ROTATE_TOKEN_TIME + i % 7] /= 3; // held at one site
        memcpy((char *) tokens->data + i*tokens->nb[1], of, sizeof(of));
    }
}

static ggml_tensor * new_doses(ggml_context * ctx) {
    return ggml_new_tensor_3d(ctx, GGML_TYPE_F32, 8, 4, 2);
}

static ggml_tensor * new_tokens(ggml_context * ctx, int64_t n_tokens) {
    return ggml_new_tensor_2d(ctx, GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens);
}

static double length(const float * x, int64_t n) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i) {
        sum += (double) x[i]*x[i];
    }
    return std::sqrt(sum);
}

// the difference of two numbers in a vector of this length; equal infinities, and NaN and NaN, count as equal
static double difference(float a, float b, double length) {
    if (a == b || (std::isnan(a) && std::isnan(b))) {
        return 0.0;
    }
    const double of = std::fabs((double) a - b)/length;
    return std::isnan(of) ? INFINITY : of;
}

struct report {
    const char * backend;
    const char * what;
    int          n_cases = 0;
    double       worst   = 0.0;
    std::string  where   = {};

    void add(double error, double allowed, const std::string & which) {
        n_cases++;
        if (!(error/allowed <= worst)) {
            worst = error/allowed;
            where = which;
        }
    }

    bool finish() const {
        printf("%-6s %-10s %4d cases, largest difference %.1e%s%s\n", backend, what, n_cases, worst*TOLERANCE,
            worst > 1.0 ? ": too large: " : "", worst > 1.0 ? where.c_str() : "");
        return worst <= 1.0 && n_cases > 0;
    }
};

// the result of the op computed elsewhere; the tensor keeps its own
static std::vector<float> elsewhere(const backend & on, ggml_tensor * op) {
    const std::vector<char> kept((char *) op->data, (char *) op->data + ggml_nbytes(op));
    on.run(op);
    std::vector<float> y((float *) op->data, (float *) op->data + ggml_nelements(op));
    memcpy(op->data, kept.data(), kept.size());
    return y;
}

//
// arithmetic
//

static bool check_arithmetic(const backend & on) {
    report words  = { on.name, "integers" };
    report floats = { on.name, "floats" };
    for (uint32_t i = 0; i < 20000; ++i) {
        const arithmetic here = arithmetic_of(i);
        arithmetic there;
        on.compute(i, there);
        words.add(memcmp(here.words, there.words, sizeof(here.words)) == 0 ? 0.0 : INFINITY, TOLERANCE, std::to_string(i));
        // sines have an absolute precision: near zero they are compared with 0.01
        const float * a = &here .uniform;
        const float * b = &there.uniform;
        for (size_t f = 0; f < (sizeof(arithmetic) - offsetof(arithmetic, uniform))/sizeof(float); ++f) {
            floats.add(difference(a[f], b[f], std::max(0.01, (double) std::fabs(a[f]))), TOLERANCE, std::to_string(i));
        }
    }
    return words.finish() & floats.finish();
}

// random words for sixteen counters at once are the same as for single counters
static bool check_lanes() {
    report lanes = { "CPU", "lanes" };
    for (uint32_t i = 0; i < 2000; ++i) {
        random_rotate_noise_key noise = {};
        noise.seed     = 31*i;
        noise.time     = i;
        noise.place    = random_rotate_place((int32_t) (i % 100), 3, (int32_t) (i % 77));

        uint32_t first[LANES];
        for (int l = 0; l < LANES; ++l) {
            first[l] = i*i + 3*l;
        }
        counter_words words;
        words.draw(noise, i % 5, first);
        bool same = true;
        for (int l = 0; l < LANES; ++l) {
            uint32_t one[4];
            random_rotate_words(noise, i % 5, first[l], one);
            for (int w = 0; w < 4; ++w) {
                same = same && one[w] == words.word[w][l];
            }
        }
        lanes.add(same ? 0.0 : INFINITY, TOLERANCE, std::to_string(i));
    }
    return lanes.finish();
}

//
// rows
//

static void check_rows_of(const backend & on, report & rows, int64_t d, float scale, bool strided, int only, bool named = false) {
    context c;
    const int64_t n_head   = d > 4096 ? 1 : 3;
    const int64_t n_tokens = 26;

    ggml_tensor * base = ggml_new_tensor_3d(c.ctx, GGML_TYPE_F32, strided ? d + 5 : d, n_head, n_tokens);
    fill(base, scale);
    ggml_tensor * x = strided ? ggml_view_3d(c.ctx, base, d, n_head, n_tokens, base->nb[1], base->nb[2], 5*sizeof(float)) : base;

    ggml_tensor * doses  = new_doses(c.ctx);
    ggml_tensor * tokens = new_tokens(c.ctx, n_tokens);
    fill_dose(doses, tokens, 0.8f, 100, false);

    // rows that are hard to turn
    float * last = (float *) ((char *) x->data + 6*x->nb[2]);
    memset(last, 0, d*sizeof(float));
    float * bad = (float *) ((char *) x->data + 5*x->nb[2]);
    bad[d/2] = d % 2 ? INFINITY : NAN;

    ggml_tensor * op = ggml_random_rotate(c.ctx, x, doses, tokens, 3, 2);
    if (only >= 0) {
        ggml_random_rotate_only(op, only);
    }
    if (named) {
        ggml_tensor * heads = ggml_new_tensor_2d(c.ctx, GGML_TYPE_I32, 2*n_head, n_tokens);
        for (int64_t i = 0; i < ggml_nelements(heads); ++i) {
            ((int32_t *) heads->data)[i] = (int32_t) (77*i % 128);
        }
        ggml_random_rotate_name_heads(op, ggml_view_2d(c.ctx, heads, n_head, n_tokens, heads->nb[1], 0));
    }
    GGML_ASSERT(on.supports(op));
    compute_on_cpu(c.ctx, op);

    const std::vector<float> y = elsewhere(on, op);
    double worst = 0.0;
    for (int64_t row = 0; row < n_head*n_tokens; ++row) {
        const float * here = (const float *) op->data + row*d;
        const double  norm = length(here, d);
        for (int64_t i = 0; i < d; ++i) {
            const bool finite = std::isfinite(norm) && norm > 0.0;
            worst = std::max(worst, difference(here[i], y[row*d + i], finite ? norm : 1.0));
        }
    }
    rows.add(worst, TOLERANCE, "d = " + std::to_string(d) + ", numbers of about " + std::to_string(scale));
}

static bool check_rows(const backend & on) {
    report rows = { on.name, "rows" };
    for (int64_t d : { 1, 2, 3, 15, 16, 17, 63, 64, 65, 80, 128, 129, 576, 1000, 2048, 2049, 4096, 8192, 8193, 16384, 16385, 18944, 28672 }) {
        check_rows_of(on, rows, d, 1.0f, false, -1);
        check_rows_of(on, rows, d, 3.0f, true,  -1);
    }
    for (float scale : { 1e-36f, 1e-25f, 1e-15f, 1e15f, 1e25f, 1e37f }) {
        check_rows_of(on, rows, 64,  scale, false, -1);
        check_rows_of(on, rows, 576, scale, false, -1);
        check_rows_of(on, rows, 16448, scale, false, -1);
    }
    check_rows_of(on, rows, 200,   1.0f, false, -1, true);
    check_rows_of(on, rows, 18944, 1.0f, true,  -1, true);
    check_rows_of(on, rows, 64, 1.0f, false, GGML_RANDOM_ROTATE_ISOTROPIC);
    check_rows_of(on, rows, 64, 1.0f, false, GGML_RANDOM_ROTATE_REFERENCE);
    return rows.finish();
}

//
// keys and values
//

struct shape {
    ggml_type type;
    int64_t   d, n_head, n_head_kv, n_kv, n_tokens, n_stream;
    bool      shuffled; // positions of cells in arbitrary order, and some empty cells
    ggml_type mask;     // GGML_TYPE_COUNT: none

    std::string name() const {
        return std::string(ggml_type_name(type)) + ", d = " + std::to_string(d) + ", " + std::to_string(n_head) + " heads of " +
            std::to_string(n_head_kv) + ", " + std::to_string(n_kv) + " cells, " + std::to_string(n_tokens) + " tokens";
    }
};

static void fill_cells(ggml_tensor * cells, bool shuffled) {
    for (int64_t s = 0; s < cells->ne[1]; ++s) {
        int32_t * position = (int32_t *) cells->data + s*cells->ne[0];
        for (int64_t i = 0; i < cells->ne[0]; ++i) {
            position[i] = shuffled && i % 37 == 36 ? -1 : (int32_t) i;
        }
        if (shuffled) {
            std::shuffle(position, position + cells->ne[0], generator());
        }
    }
}

// a token attends to what came before it, and the last token of a batch to nothing
static void fill_mask(ggml_tensor * mask) {
    const int64_t n_kv = mask->ne[0];
    for (int64_t i = 0; i < ggml_nelements(mask); ++i) {
        const int64_t it   = i / n_kv % mask->ne[1];
        const bool    sees = it + 1 < mask->ne[1] && i % n_kv <= (it + 1)*n_kv/mask->ne[1];
        const float   m    = sees ? 0.0f : -INFINITY;
        if (mask->type == GGML_TYPE_F16) {
            ((ggml_fp16_t *) mask->data)[i] = ggml_fp32_to_fp16(m);
        } else {
            ((float *) mask->data)[i] = m;
        }
    }
}

static bool sees(const ggml_tensor * mask, int64_t cell, int64_t it, int64_t stream) {
    if (!mask) {
        return true;
    }
    const char * row = (const char *) mask->data + it*mask->nb[1] + stream % mask->ne[3]*mask->nb[3];
    return (mask->type == GGML_TYPE_F16 ? ggml_fp16_to_fp32(((const ggml_fp16_t *) row)[cell]) : ((const float *) row)[cell]) == 0.0f;
}

static void check_scores_of(const backend & on, report & scores, const shape & of) {
    context c;
    // laid out as in caches: the heads of a cell and of a token are adjacent
    ggml_tensor * q = ggml_permute(c.ctx, ggml_new_tensor_4d(c.ctx, GGML_TYPE_F32, of.d, of.n_head, of.n_tokens, of.n_stream), 0, 2, 1, 3);
    ggml_tensor * k = ggml_permute(c.ctx, ggml_new_tensor_4d(c.ctx, of.type, of.d, of.n_head_kv, of.n_kv, of.n_stream), 0, 2, 1, 3);
    fill(q->view_src, 1.0f);
    fill(k->view_src, 2.0f);

    ggml_tensor * cells  = ggml_new_tensor_2d(c.ctx, GGML_TYPE_I32, of.n_kv, of.n_stream);
    ggml_tensor * doses  = new_doses(c.ctx);
    ggml_tensor * tokens = new_tokens(c.ctx, of.n_tokens*of.n_stream);
    fill_cells(cells, of.shuffled);
    fill_dose(doses, tokens, 0.6f, (int32_t) of.n_kv, true);

    ggml_tensor * mask = nullptr;
    if (of.mask != GGML_TYPE_COUNT) {
        mask = ggml_new_tensor_4d(c.ctx, of.mask, of.n_kv, of.n_tokens, 1, of.n_stream);
        fill_mask(mask);
    }
    ggml_tensor * op = ggml_random_rotate_scores(c.ctx, q, k, mask, cells, doses, tokens, 1, 2);
    GGML_ASSERT(on.supports(op));
    compute_on_cpu(c.ctx, op);

    const double size = 2.0*of.d; // of |q| |k|
    const std::vector<float> y = elsewhere(on, op);
    double worst = 0.0;
    for (int64_t i = 0; i < ggml_nelements(op); ++i) {
        const int64_t it     = i / of.n_kv % of.n_tokens;
        const int64_t stream = i / of.n_kv / of.n_tokens / of.n_head;
        if (sees(mask, i % of.n_kv, it, stream)) {
            worst = std::max(worst, difference(((const float *) op->data)[i], y[i], size));
        } else if (!std::isfinite(y[i])) {
            worst = INFINITY;
        }
    }
    scores.add(worst, TOLERANCE, of.name());
}

static void check_values_of(const backend & on, report & values, const shape & of, bool transposed) {
    context c;
    ggml_tensor * p = ggml_new_tensor_4d(c.ctx, GGML_TYPE_F32, of.n_kv, of.n_tokens, of.n_head, of.n_stream);
    for (int64_t row = 0; row < ggml_nrows(p); ++row) {
        float * weights = (float *) p->data + row*of.n_kv;
        float   sum     = 0.0f;
        for (int64_t i = 0; i < of.n_kv; ++i) {
            weights[i] = i % 11 == 10 || i/32 == 1 ? 0.0f : std::exp(2.0f*normal()); // among them 32 cells in a row
            sum += weights[i];
        }
        for (int64_t i = 0; i < of.n_kv; ++i) {
            weights[i] /= sum;
        }
    }
    ggml_tensor * v = transposed ?
        ggml_new_tensor_4d(c.ctx, of.type, of.n_kv, of.d, of.n_head_kv, of.n_stream) :
        ggml_permute(c.ctx, ggml_new_tensor_4d(c.ctx, of.type, of.d, of.n_head_kv, of.n_kv, of.n_stream), 0, 2, 1, 3);
    fill(transposed ? v : v->view_src, 2.0f);

    ggml_tensor * cells  = ggml_new_tensor_2d(c.ctx, GGML_TYPE_I32, of.n_kv, of.n_stream);
    ggml_tensor * doses  = new_doses(c.ctx);
    ggml_tensor * tokens = new_tokens(c.ctx, of.n_tokens*of.n_stream);
    fill_cells(cells, of.shuffled);
    fill_dose(doses, tokens, 0.6f, (int32_t) of.n_kv, true);

    ggml_tensor * op = ggml_random_rotate_values(c.ctx, p, v, transposed, cells, doses, tokens, 1, 3);
    GGML_ASSERT(on.supports(op));
    compute_on_cpu(c.ctx, op);

    const std::vector<float> y = elsewhere(on, op);
    double worst = 0.0;
    for (int64_t row = 0; row < ggml_nrows(op); ++row) {
        const float * here = (const float *) op->data + row*of.d;
        const double  norm = length(here, of.d);
        for (int64_t i = 0; i < of.d; ++i) {
            worst = std::max(worst, difference(here[i], y[row*of.d + i], norm));
        }
    }
    values.add(worst, TOLERANCE, of.name() + (transposed ? ", transposed" : ""));
}

static const ggml_type NO_MASK = GGML_TYPE_COUNT;

static const shape SHAPES[] = {
    { GGML_TYPE_F32,   1, 2, 1,   70,  2, 1, false, NO_MASK },
    { GGML_TYPE_F32,   2, 2, 1,   70,  2, 1, false, NO_MASK },
    { GGML_TYPE_F32,   3, 2, 2,   33,  2, 1, true,  NO_MASK },
    { GGML_TYPE_F32,  64, 9, 3,  256,  1, 1, false, GGML_TYPE_F32 },
    { GGML_TYPE_F16,  64, 9, 3, 1500,  1, 1, false, GGML_TYPE_F16 },
    { GGML_TYPE_F16,  80, 5, 1,  100,  9, 1, true,  GGML_TYPE_F16 },
    { GGML_TYPE_F16, 128, 4, 4,  130,  3, 2, true,  GGML_TYPE_F32 },
    { GGML_TYPE_F16, 200, 4, 2,   70,  2, 2, true,  GGML_TYPE_F16 },
    { GGML_TYPE_F16, 576, 2, 1,   65,  1, 1, false, NO_MASK },
    { GGML_TYPE_BF16, 96, 6, 2,   40,  7, 1, false, NO_MASK },
    { GGML_TYPE_Q8_0, 64, 6, 2,  100,  5, 1, true,  NO_MASK },
    { GGML_TYPE_Q4_0, 64, 6, 2,   64,  5, 2, false, NO_MASK },
    { GGML_TYPE_Q4_1, 64, 6, 2,   64,  5, 1, false, NO_MASK },
    { GGML_TYPE_Q5_0, 96, 6, 2,   64,  5, 1, false, NO_MASK },
    { GGML_TYPE_Q5_1, 64, 6, 2,   64,  5, 1, false, NO_MASK },
};

static bool check_cache(const backend & on) {
    report scores = { on.name, "scores" };
    report values = { on.name, "values" };
    for (const shape & of : SHAPES) {
        check_scores_of(on, scores, of);
        check_values_of(on, values, of, false);
        if (ggml_blck_size(of.type) == 1) {
            check_values_of(on, values, of, true);
        }
    }
    return scores.finish() & values.finish();
}

static bool check_here() {
    bool good = check_lanes();
    for (const backend & on : BACKENDS) {
        begin_again();
        good &= check_arithmetic(on);
        good &= check_rows(on);
        good &= check_cache(on);
    }
    return good;
}

static bool check_device(const char * name) {
    if (!choose_device(name)) {
        fprintf(stderr, "there is no device %s\n", name);
        return false;
    }
    const backend on = { name, device_supports, run_on_device, nullptr };
    const bool rows = check_rows(on);
    return check_cache(on) && rows;
}

int main(int argc, char ** argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0); // print results as soon as they are known
    const bool good = argc > 1 ? check_device(argv[1]) : check_here();
    printf(good ? "the kernels agree\n" : "the kernels differ\n");
    return good ? 0 : 1;
}
