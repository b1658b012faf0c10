#include "random-rotate-cpu.h"

#include "random-rotate-draw.h"

#include <cfloat>
#include <vector>

//
// turn of a row
//

// y = d random numbers; returns x.x and y.x
static void fill(const noise_key & noise, const float * x, float * y, int64_t d, float & xx, float & gx) {
    lanes sums_xx = {};
    lanes sums_gx = {};

    const bool keeps_apart = noise.apart > 0;
    const random_rotate_apart apart = random_rotate_apart_of(keeps_apart ? noise.apart : 1, (int32_t) d);

    float group[GROUP];
    for (int64_t i = 0; i < d; i += GROUP) {
        const int64_t n = std::min<int64_t>(GROUP, d - i);

        float * g = n == GROUP ? y + i : group;
        if (keeps_apart) {
            draw_apart_group(noise, apart, (uint32_t) (i/GROUP), g);
        } else {
            draw_group(noise, RANDOM_ROTATE_FOR_ROW, noise.reference, (uint32_t) (i/GROUP), g);
        }
        for (int64_t j = 0; j < n; j += LANES) {
            const lanes xj = n - j >= LANES ? load_lanes(x + i + j) : load_lanes(x + i + j, n - j);
            add_product(sums_xx, xj, xj);
            add_product(sums_gx, xj, load_lanes(g + j));
        }
        if (n < GROUP) {
            memcpy(y + i, group, n*sizeof(float));
        }
    }
    xx = sum(sums_xx);
    gx = sum(sums_gx);
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
static float orthogonalize(const float * x, float * y, int64_t d, float xx, float gx) {
    const float a  = gx/xx;
    const float yy = subtract(x, y, d, a);

    const int32_t next = random_rotate_orthogonality(yy, a, gx);
    if (next == RANDOM_ROTATE_ORTHOGONAL) {
        return yy;
    }
    if (next == RANDOM_ROTATE_PROJECT_AGAIN) {
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

static void rotate(const float * x, float * y, int64_t d, float xx, float gx, float angle) {
    const float uu = orthogonalize(x, y, d, xx, gx);

    float sine;
    float cosine;
    random_rotate_sin_cos_precise(angle, &sine, &cosine);

    combine(x, y, d, cosine, sine*sqrtf(xx/uu));
}

// keeps: brought back to the length of x
static void add(const float * x, float * y, int64_t d, float xx, float gx, float r, bool keeps) {
    const float ratio  = sqrtf(xx)/sqrtf(dot(y, y, d));
    const float length = keeps ? random_rotate_added_length(r, gx*ratio/xx) : 1.0f;
    combine(x, y, d, 1.0f/length, r*ratio/length);
}

// false where the squares of x do not fit into a float; y is then scratch
static bool turn_row(const noise_key & noise, const float * x, float * y, int64_t d) {
    float xx;
    float gx;
    fill(noise, x, y, d, xx, gx);
    if (!random_rotate_square_fits(xx)) {
        return false;
    }
    const float angle = random_rotate_angle(noise);
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        rotate(x, y, d, xx, gx, angle);
    } else {
        add(x, y, d, xx, gx, angle, noise.turn == GGML_RANDOM_ROTATE_NLERP);
    }
    return true;
}

// very small and very large rows are turned at a scale of one
static void turn_row_scaled(const noise_key & noise, const float * x, float * y, int64_t d) {
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

    float scale;
    float inverse;
    random_rotate_scale(max, &scale, &inverse);

    std::vector<float> scaled(d);
    for (int64_t i = 0; i < d; ++i) {
        scaled[i] = x[i]*scale;
    }
    if (!turn_row(noise, scaled.data(), y, d)) {
        memcpy(y, x, d*sizeof(float)); // unreachable: 1 <= |scaled|^2 <= 16 d
        return;
    }
    const float limit = FLT_MAX*scale;
    for (int64_t i = 0; i < d; ++i) {
        y[i] = std::min(std::max(y[i], -limit), limit)*inverse;
    }
}

// every number gets one of Uniform(0, theta_max)
static void add_to_elements(const noise_key & noise, const float * x, float * y, int64_t d) {
    float group[GROUP];
    for (int64_t i = 0; i < d; i += GROUP) {
        draw_group(noise, RANDOM_ROTATE_FOR_ROW, true, (uint32_t) (i/GROUP), group);
        for (int64_t j = 0; j < std::min<int64_t>(GROUP, d - i); ++j) {
            y[i + j] = x[i + j] + noise.theta_max*group[j];
        }
    }
}

//
// op
//

void ggml_compute_forward_random_rotate(const ggml_compute_params * params, ggml_tensor * dst) {
    const ggml_tensor * src    = dst->src[0]; // F32 [d, n_head, n_tokens]
    const ggml_tensor * doses  = dst->src[1]; // F32 [n_site, n_layer, n_tables]
    const ggml_tensor * tokens = dst->src[2]; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
    const ggml_tensor * heads  = dst->src[3]; // I32 [n_head, n_tokens] or nullptr

    const int32_t layer = ggml_get_op_params_i32(dst, 0);
    const int32_t site  = ggml_get_op_params_i32(dst, 1);
    const int32_t only  = ggml_get_op_params_i32(dst, 2); // enum ggml_random_rotate_noise, or -1 for any

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

        const int32_t name = heads ? *(const int32_t *) ((const char *) heads->data + head*heads->nb[0] + it*heads->nb[1]) + 1 : (int32_t) head;

        const noise_key noise = noise_key_of(doses, tokens, it, layer, site, name);
        if (noise.theta_max == 0.0f || d == 1 || (only >= 0 && only != (int32_t) noise.reference)) {
            memcpy(y, x, d*sizeof(float));
        } else if (noise.turn == GGML_RANDOM_ROTATE_ELEMENTWISE) {
            add_to_elements(noise, x, y, d);
        } else if (!turn_row(noise, x, y, d)) {
            turn_row_scaled(noise, x, y, d);
        }
    }
}
