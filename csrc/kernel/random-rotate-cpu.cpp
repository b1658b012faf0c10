#include "random-rotate-cpu.h"

#include "ggml-cpu-impl.h"
#include "ggml-random-rotate.h"
#include "random-rotate-lanes.h"
#include "random-rotate-math.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <vector>

// which random numbers a row gets
struct row_key {
    uint32_t seed;
    uint32_t position;
    uint32_t place; // layer, site, head
};

// below and above these, squares of a float's row may vanish or overflow
static constexpr float SQUARE_MIN = 1e-30f;
static constexpr float SQUARE_MAX = 1e+34f;

// Loops over lanes carry "omp simd": without it, g++ unrolls loops of known length before it looks for vectors in them, and
// the generator takes four times the instructions. cmake/ adds -fopenmp-simd, and -fno-math-errno for sqrtf.
static constexpr int LANES = RANDOM_ROTATE_LANES;
static_assert(LANES == 16, "lane_sum::total() adds 16");
static constexpr int GROUP = RANDOM_ROTATE_GROUP;

//
// random numbers of a row
//

// theta ~ Uniform(0, theta_max)
static float draw_angle(const row_key & key, float theta_max) {
    uint32_t c0 = 0;
    uint32_t c1 = key.place;
    uint32_t c2 = key.position;
    uint32_t c3 = 0;
    for (uint32_t r = 0; r < PHILOX_ROUNDS; ++r) {
        philox4x32_round(&c0, &c1, &c2, &c3, key.seed + r*PHILOX_W0, r*PHILOX_W1);
    }
    return theta_max * random_rotate_uniform(c0);
}

// normals number 64*group .. 64*group + 63 of a row
static inline void draw_normals(const row_key & key, uint32_t group, float * GGML_RESTRICT g) {
    uint32_t c0[LANES];
    uint32_t c1[LANES];
    uint32_t c2[LANES];
    uint32_t c3[LANES];
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        c0[l] = 1 + group*LANES + l;
        c1[l] = key.place;
        c2[l] = key.position;
        c3[l] = 0;
    }
    philox4x32_lanes(c0, c1, c2, c3, key.seed);
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        random_rotate_normals(c0[l], c1[l], &g[0*LANES + l], &g[1*LANES + l]);
        random_rotate_normals(c2[l], c3[l], &g[2*LANES + l], &g[3*LANES + l]);
    }
}

//
// rotation of a row
//

struct lane_sum {
    float lane[LANES] = {};

    // in halves, so that few additions wait for the one before
    float total() {
#pragma omp simd
        for (int l = 0; l < 8; ++l) {
            lane[l] += lane[l + 8];
        }
#pragma omp simd
        for (int l = 0; l < 4; ++l) {
            lane[l] += lane[l + 4];
        }
        return (lane[0] + lane[2]) + (lane[1] + lane[3]);
    }
};

static float dot(const float * a, const float * b, int64_t d) {
    lane_sum sum;
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            sum.lane[l] += a[i + l]*b[i + l];
        }
    }
    for (; i < d; ++i) {
        sum.lane[i % LANES] += a[i]*b[i];
    }
    return sum.total();
}

// y = normals; returns x.x and y.x
static void fill_normals(const row_key & key, const float * x, float * y, int64_t d, float & xx, float & gx) {
    lane_sum sum_xx;
    lane_sum sum_gx;

    float tail[GROUP];
    for (int64_t i = 0; i < d; i += GROUP) {
        const int64_t n = std::min<int64_t>(GROUP, d - i);

        float * g = n == GROUP ? y + i : tail;
        draw_normals(key, (uint32_t) (i/GROUP), g);
        if (n == GROUP) {
            for (int w = 0; w < GROUP; w += LANES) {
#pragma omp simd
                for (int l = 0; l < LANES; ++l) {
                    const float xi = x[i + w + l];
                    sum_xx.lane[l] += xi*xi;
                    sum_gx.lane[l] += xi*g[w + l];
                }
            }
        } else {
            for (int64_t j = 0; j < n; ++j) {
                sum_xx.lane[j % LANES] += x[i + j]*x[i + j];
                sum_gx.lane[j % LANES] += x[i + j]*g[j];
            }
            memcpy(y + i, tail, n*sizeof(float));
        }
    }
    xx = sum_xx.total();
    gx = sum_gx.total();
}

// y -= a x; returns y.y
static float subtract(const float * x, float * y, int64_t d, float a) {
    for (int64_t i = 0; i < d; ++i) {
        y[i] -= a*x[i];
    }
    return dot(y, y, d);
}

// y = a x + b y
static void combine(const float * x, float * y, int64_t d, float a, float b) {
    for (int64_t i = 0; i < d; ++i) {
        y[i] = a*x[i] + b*y[i];
    }
}

// make y orthogonal to x; returns y.y > 0
// One projection leaves an error of about 1e-7 |g| along x. Where little of g remains (common for d = 2 only) that would
// bend the angle, and a second projection takes it away. Where nothing remains, an axis is projected instead.
static float orthogonalize(const float * x, float * y, int64_t d, float xx, float gx) {
    const float a = gx/xx;

    float yy = subtract(x, y, d, a);
    if (yy > 0.01f*a*gx) {
        return yy;
    }
    if (yy > 1e-10f*a*gx) {
        return subtract(x, y, d, dot(y, x, d)/xx);
    }

    int64_t axis = 0;
    for (int64_t i = 1; i < d; ++i) {
        if (fabsf(x[i]) < fabsf(x[axis])) {
            axis = i;
        }
    }
    memset(y, 0, d*sizeof(float));
    y[axis] = 1.0f;
    return subtract(x, y, d, x[axis]/xx);
}

// false where the squares of x do not fit into a float; y is then scratch
static bool rotate_row(const row_key & key, float theta_max, const float * x, float * y, int64_t d) {
    float xx;
    float gx;
    fill_normals(key, x, y, d, xx, gx);
    if (!(xx > SQUARE_MIN && xx < SQUARE_MAX)) {
        return false;
    }

    const float uu    = orthogonalize(x, y, d, xx, gx);
    const float theta = draw_angle(key, theta_max);

    combine(x, y, d, cosf(theta), sinf(theta)*sqrtf(xx/uu));
    return true;
}

// a rotation commutes with scaling, so very small and very large rows are turned at a scale of one
static void rotate_row_scaled(const row_key & key, float theta_max, const float * x, float * y, int64_t d) {
    float max = 0.0f;
    for (int64_t i = 0; i < d; ++i) {
        if (!std::isfinite(x[i])) {
            max = x[i];
            break;
        }
        max = std::max(max, fabsf(x[i]));
    }
    if (max == 0.0f || !std::isfinite(max)) {
        memcpy(y, x, d*sizeof(float)); // nothing to turn, or nothing that could be
        return;
    }

    std::vector<float> scaled(d);
    for (int64_t i = 0; i < d; ++i) {
        scaled[i] = (float) ((double) x[i]/max);
    }
    if (!rotate_row(key, theta_max, scaled.data(), y, d)) {
        memcpy(y, x, d*sizeof(float)); // unreachable: 1 <= |scaled|^2 <= d
        return;
    }
    for (int64_t i = 0; i < d; ++i) {
        const double yi = (double) y[i]*max;
        y[i] = (float) std::min<double>(std::max<double>(yi, -FLT_MAX), FLT_MAX);
    }
}

//
// op
//

void ggml_compute_forward_random_rotate(const ggml_compute_params * params, ggml_tensor * dst) {
    const ggml_tensor * src    = dst->src[0]; // F32 [d, n_head, n_tokens]
    const ggml_tensor * doses  = dst->src[1]; // F32 [n_site, n_layer, n_tables]
    const ggml_tensor * tokens = dst->src[2]; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]

    const int32_t layer = ggml_get_op_params_i32(dst, 0);
    const int32_t site  = ggml_get_op_params_i32(dst, 1);

    const int64_t d      = src->ne[0];
    const int64_t n_head = src->ne[1];
    const int64_t n_rows = src->ne[1]*src->ne[2];

    // a row is never shared between threads: its sums, and so its bits, do not depend on their number
    const int64_t first = n_rows*(params->ith + 0)/params->nth;
    const int64_t last  = n_rows*(params->ith + 1)/params->nth;

    for (int64_t row = first; row < last; ++row) {
        const int64_t head = row % n_head;
        const int64_t it   = row / n_head;

        const float * x = (const float *) ((const char *) src->data + head*src->nb[1] + it*src->nb[2]);
        float       * y = (float *)       ((char *)       dst->data + head*dst->nb[1] + it*dst->nb[2]);

        const int32_t * token = (const int32_t *) ((const char *) tokens->data + it*tokens->nb[1]);
        const int32_t   table = token[GGML_RANDOM_ROTATE_TOKEN_TABLE];

        const float theta_max = table < 0 ? 0.0f :
            *(const float *) ((const char *) doses->data + site*doses->nb[0] + layer*doses->nb[1] + table*doses->nb[2]);

        if (theta_max == 0.0f || d == 1) {
            memcpy(y, x, d*sizeof(float));
            continue;
        }

        const row_key key = {
            /*.seed     =*/ (uint32_t) token[GGML_RANDOM_ROTATE_TOKEN_SEED],
            /*.position =*/ (uint32_t) token[GGML_RANDOM_ROTATE_TOKEN_POSITION],
            /*.place    =*/ random_rotate_place(layer, site, (int32_t) head),
        };
        if (!rotate_row(key, theta_max, x, y, d)) {
            rotate_row_scaled(key, theta_max, x, y, d);
        }
    }
}
