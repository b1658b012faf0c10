// Computes the ops that turn vectors on the CPU backend, with inputs that are the same everywhere, and prints a JSON object a
// line: what was computed from what. tests/elsewhere compares the output of other systems with numpy's and with this system's.
//
//   turned-vectors OP D TIMES    computes one op this often, on one thread, and prints nothing, so that instructions can be counted

#include "ggml-backend.h"
#include "ggml-random-rotate.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

static const float    ANGLE = 1.1f;
static const uint32_t SEED  = 0xdeadbeef;
static const int      LAYER = 12;
static const int      SITE  = 3; // any

static const int32_t POSITIONS[] = { 0, 1, 77, 4095, 2147483647 };
static const int64_t N_TOKENS = 5;

// between -1 and 1, from the remainders of a linear congruential generator
static std::vector<float> numbers(size_t n, uint32_t seed) {
    std::vector<float> x(n);
    for (float & one : x) {
        seed = 1664525*seed + 1013904223;
        one  = (float) (int32_t) (seed >> 8)/8388608.0f - 1.0f;
    }
    return x;
}

static void print(const char * name, const float * x, int64_t n) {
    printf(", \"%s\": [", name);
    for (int64_t i = 0; i < n; ++i) {
        printf("%s%.9g", i ? ", " : "", x[i]);
    }
    printf("]");
}

// A graph of one op, and its inputs.
struct work {
    ggml_backend_t backend;
    ggml_context * ctx;
    ggml_tensor *  doses;
    ggml_tensor *  tokens;
    std::vector<std::function<void()>> fill = {};

    explicit work(ggml_backend_t backend) : backend(backend) {
        ctx    = ggml_init({ 64*ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true });
        doses  = of({ 8, LAYER + 1 }, std::vector<float>(8*(LAYER + 1), ANGLE));
        tokens = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, GGML_RANDOM_ROTATE_TOKEN_SIZE, N_TOKENS);
        fill.push_back([this] {
            std::vector<int32_t> data(ggml_nelements(tokens));
            for (int64_t i = 0; i < N_TOKENS; ++i) {
                ggml_random_rotate_set_token(&data[i*GGML_RANDOM_ROTATE_TOKEN_SIZE], SEED, POSITIONS[i], 0, GGML_RANDOM_ROTATE_ISOTROPIC, 0);
            }
            ggml_backend_tensor_set(tokens, data.data(), 0, ggml_nbytes(tokens));
        });
    }

    ~work() { ggml_free(ctx); }

    ggml_tensor * of(const std::vector<int64_t> & shape, std::vector<float> data) {
        ggml_tensor * t = ggml_new_tensor(ctx, GGML_TYPE_F32, (int) shape.size(), shape.data());
        fill.push_back([t, data] { ggml_backend_tensor_set(t, data.data(), 0, ggml_nbytes(t)); });
        return t;
    }

    ggml_tensor * cells(int64_t n_kv) {
        ggml_tensor * t = ggml_new_tensor_2d(ctx, GGML_TYPE_I32, n_kv, 1);
        fill.push_back([t, n_kv] {
            std::vector<int32_t> data(n_kv);
            for (int64_t i = 0; i < n_kv; ++i) {
                data[i] = (int32_t) (3*i);
            }
            ggml_backend_tensor_set(t, data.data(), 0, ggml_nbytes(t));
        });
        return t;
    }

    // returns false if it cannot be computed
    bool compute(ggml_tensor * y, std::vector<float> & result, int times) {
        ggml_cgraph * graph = ggml_new_graph(ctx);
        ggml_build_forward_expand(graph, y);
        ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(ctx, backend);
        if (!buffer) {
            return false;
        }
        for (const auto & one : fill) {
            one();
        }
        bool done = true;
        for (int i = 0; i < times; ++i) {
            done = done && ggml_backend_graph_compute(backend, graph) == GGML_STATUS_SUCCESS;
        }
        result.resize(ggml_nelements(y));
        ggml_backend_tensor_get(y, result.data(), 0, ggml_nbytes(y));
        ggml_backend_buffer_free(buffer);
        return done;
    }
};

static ggml_tensor * rows(work & on, int64_t d, int64_t n_head) {
    return ggml_random_rotate(on.ctx, on.of({ d, n_head, N_TOKENS }, numbers(d*n_head*N_TOKENS, (uint32_t) d)), on.doses, on.tokens, LAYER, SITE);
}

static ggml_tensor * scores(work & on, int64_t d, int64_t n_kv, int64_t n_head) {
    ggml_tensor * q = on.of({ d, N_TOKENS, n_head, 1 }, numbers(d*N_TOKENS*n_head, 8));
    ggml_tensor * k = on.of({ d, n_kv, n_head/2, 1 }, numbers(d*n_kv*n_head/2, 7));
    return ggml_random_rotate_scores(on.ctx, q, k, nullptr, on.cells(n_kv), on.doses, on.tokens, LAYER, SITE);
}

static ggml_tensor * values(work & on, int64_t d, int64_t n_kv, int64_t n_head) {
    ggml_tensor * p = on.of({ n_kv, N_TOKENS, n_head, 1 }, std::vector<float>(n_kv*N_TOKENS*n_head, 1.0f/n_kv));
    ggml_tensor * v = on.of({ d, n_kv, n_head/2, 1 }, numbers(d*n_kv*n_head/2, 7));
    return ggml_random_rotate_values(on.ctx, p, v, false, on.cells(n_kv), on.doses, on.tokens, LAYER, SITE);
}

static ggml_tensor * op(work & on, const std::string & name, int64_t d, int64_t n_kv, int64_t n_head) {
    return name == "rows" ? rows(on, d, n_head) : name == "scores" ? scores(on, d, n_kv, n_head) : values(on, d, n_kv, n_head);
}

static bool print_rows(ggml_backend_t backend, int64_t d) {
    const int64_t n_head = 3;
    work on(backend);
    const std::vector<float> x = numbers(d*n_head*N_TOKENS, (uint32_t) d);
    std::vector<float> y;
    if (!on.compute(rows(on, d, n_head), y, 1)) {
        return false;
    }
    for (int64_t i = 0; i < n_head*N_TOKENS; ++i) {
        printf("{\"op\": \"rows\", \"angle\": %.9g, \"seed\": %u, \"position\": %d, \"layer\": %d, \"site\": %d, \"head\": %d",
            ANGLE, SEED, POSITIONS[i/n_head], LAYER, SITE, (int) (i % n_head));
        print("x", x.data() + i*d, d);
        print("y", y.data() + i*d, d);
        printf("}\n");
    }
    return true;
}

static bool print_cached(ggml_backend_t backend, const std::string & name, int64_t d) {
    work on(backend);
    std::vector<float> y;
    if (!on.compute(op(on, name, d, 33, 4), y, 1)) {
        return false;
    }
    printf("{\"op\": \"%s\", \"d\": %d", name.c_str(), (int) d);
    print("y", y.data(), (int64_t) y.size());
    printf("}\n");
    return true;
}

static bool print_all(ggml_backend_t backend) {
    bool done = true;
    for (const int64_t d : { 2, 3, 64, 65, 200 }) {
        done = done && print_rows(backend, d);
    }
    for (const int64_t d : { 64, 80 }) {
        done = done && print_cached(backend, "scores", d) && print_cached(backend, "values", d);
    }
    return done;
}

// 5 tokens, 32 heads, 256 keys or values
static bool compute_often(ggml_backend_t backend, const std::string & name, int64_t d, int times) {
    auto * reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
    auto   set = (ggml_backend_set_n_threads_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
    set(backend, 1);
    work on(backend);
    std::vector<float> y;
    return on.compute(op(on, name, d, 256, 32), y, times);
}

int main(int argc, char ** argv) {
    ggml_backend_load_all();
    ggml_backend_t backend = ggml_backend_init_by_name("CPU", nullptr);
    const bool done = backend && (argc == 4 ? compute_often(backend, argv[1], atoi(argv[2]), atoi(argv[3])) : print_all(backend));
    if (!done) {
        fprintf(stderr, "turned-vectors: the CPU backend does not compute these ops\n");
    }
    ggml_backend_free(backend);
    return done ? 0 : 1;
}
