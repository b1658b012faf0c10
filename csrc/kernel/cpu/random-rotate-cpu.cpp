#include "random-rotate-cpu.h"

#include "random-rotate-draw.h"

#include <cfloat>
#include <vector>

//
// angles of heads
//

// for as many heads of one token as there are lanes
struct head_angles {
    float angle [LANES];
    float sine  [LANES];
    float cosine[LANES];
};

// noise: of the token; heads: the numbers they are drawn for
static void draw_angles(const noise_key & noise, const int32_t * heads, head_angles & of) {
    counter_words words;
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        words.word[0][l] = noise.apart > 0 ? (uint32_t) noise.apart : 0;
        words.word[1][l] = noise.place | (uint32_t) heads[l];
        words.word[2][l] = noise.time;
        words.word[3][l] = noise.apart > 0 ? RANDOM_ROTATE_FOR_APART_ANGLE : RANDOM_ROTATE_FOR_ROW;
    }
    philox4x32_lanes(words.word[0], words.word[1], words.word[2], words.word[3], noise.seed);
    if (noise.angle == GGML_RANDOM_ROTATE_UNIFORM) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            of.angle[l] = noise.theta_max*random_rotate_uniform(words.word[0][l]);
        }
    } else {
        const random_rotate_shares shares = random_rotate_shares_of(noise);
#pragma omp simd
        for (int l = 0; l < LANES; ++l) {
            of.angle[l] = noise.theta_max*random_rotate_share(shares, random_rotate_uniform(words.word[0][l]));
        }
    }
#pragma omp simd
    for (int l = 0; l < LANES; ++l) {
        random_rotate_sin_cos_precise(of.angle[l], of.sine[l], of.cosine[l]);
    }
}

//
// turning a row
//

struct row_sums {
    float xx; // x.x
    float gx; // g.x, g the random numbers
    float gg;
};

// y = d random numbers
static row_sums fill(const noise_key & noise, const float * x, float * y, int64_t d) {
    lanes xx = {};
    lanes gx = {};
    lanes gg = {};

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
            const lanes xj = load_lanes(x + i + j, n - j);
            const lanes gj = load_lanes(g + j, n - j);
            add_product(xx, xj, xj);
            add_product(gx, xj, gj);
            add_product(gg, gj, gj);
        }
        if (n < GROUP) {
            memcpy(y + i, group, n*sizeof(float));
        }
    }
    return { sum(xx), sum(gx), sum(gg) };
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

static void rotate(const float * x, float * y, int64_t d, const row_sums & sums, float sine, float cosine) {
    // g - a x is orthogonal to x, and uu is its square; in nearly all rows, so much of it remains that it
    // need not be computed explicitly
    const float a  = sums.gx/sums.xx;
    const float uu = sums.gg - a*sums.gx;
    if (uu > 0.5f*sums.gg) {
        const float scale = sine*sqrtf(sums.xx/uu);
        combine(x, y, d, cosine - scale*a, scale);
        return;
    }
    combine(x, y, d, cosine, sine*sqrtf(sums.xx/orthogonalize(x, y, d, sums.xx, sums.gx)));
}

// keeps: rescale to the length of x
static void add(const float * x, float * y, int64_t d, const row_sums & sums, float r, bool keeps) {
    const float ratio  = sqrtf(sums.xx)/sqrtf(sums.gg);
    const float length = keeps ? random_rotate_added_length(r, sums.gx*ratio/sums.xx) : 1.0f;
    combine(x, y, d, 1.0f/length, r*ratio/length);
}

// returns false if the squares of x do not fit into a float; the contents of y are then undefined
static bool turn_row(const noise_key & noise, const head_angles & of, int l, const float * x, float * y, int64_t d) {
    const row_sums sums = fill(noise, x, y, d);
    if (!random_rotate_square_fits(sums.xx)) {
        return false;
    }
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        rotate(x, y, d, sums, of.sine[l], of.cosine[l]);
    } else {
        add(x, y, d, sums, of.angle[l], noise.turn == GGML_RANDOM_ROTATE_NLERP);
    }
    return true;
}

// very small and very large rows are scaled to about one before they are turned
static void turn_row_scaled(const noise_key & noise, const head_angles & of, int l, const float * x, float * y, int64_t d) {
    float max = 0.0f;
    for (int64_t i = 0; i < d; ++i) {
        if (!std::isfinite(x[i])) {
            max = x[i];
            break;
        }
        max = std::max(max, fabsf(x[i]));
    }
    if (max == 0.0f || !std::isfinite(max)) {
        memcpy(y, x, d*sizeof(float)); // nothing to turn, or nothing that can be turned
        return;
    }

    float scale;
    float inverse;
    random_rotate_scale(max, scale, inverse);

    std::vector<float> scaled(d);
    for (int64_t i = 0; i < d; ++i) {
        scaled[i] = x[i]*scale;
    }
    if (!turn_row(noise, of, l, scaled.data(), y, d)) {
        memcpy(y, x, d*sizeof(float)); // unreachable: 1 <= |scaled|^2 <= 16 d
        return;
    }
    const float limit = FLT_MAX*scale;
    for (int64_t i = 0; i < d; ++i) {
        y[i] = std::min(std::max(y[i], -limit), limit)*inverse;
    }
}

// adds a number of Uniform(0, theta_max) to each element
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

struct rotate_op {
    const ggml_tensor * src;    // F32 [d, n_head, n_tokens]
    const ggml_tensor * doses;  // F32 [n_site, n_layer, n_tables]
    const ggml_tensor * tokens; // I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
    const ggml_tensor * heads;  // I32 [n_head, n_tokens] or nullptr
    ggml_tensor       * dst;    // F32 [d, n_head, n_tokens]
    int32_t             layer, site;
    int32_t             only;   // GGML_RANDOM_ROTATE_ISOTROPIC, ..., or -1 for any

    explicit rotate_op(ggml_tensor * dst) : src(dst->src[0]), doses(dst->src[1]), tokens(dst->src[2]), heads(dst->src[3]), dst(dst),
        layer(ggml_get_op_params_i32(dst, 0)), site(ggml_get_op_params_i32(dst, 1)), only(ggml_get_op_params_i32(dst, 2)) {}

    int32_t name(int64_t head, int64_t it) const {
        return heads ? *(const int32_t *) ((const char *) heads->data + head*heads->nb[0] + it*heads->nb[1]) + 1 : (int32_t) head;
    }

    const float * from(int64_t head, int64_t it) const { return (const float *) ((const char *) src->data + head*src->nb[1] + it*src->nb[2]); }
    float       * to  (int64_t head, int64_t it) const { return (float *)       ((char *)       dst->data + head*dst->nb[1] + it*dst->nb[2]); }

    // n <= 16 heads of a token
    void compute(int64_t first, int64_t n, int64_t it) const {
        const int64_t d = src->ne[0];

        noise_key noise = noise_key_of(doses, tokens, it, layer, site, 0);
        if (noise.theta_max == 0.0f || d == 1 || (only >= 0 && only != (int32_t) noise.reference)) {
            for (int64_t head = first; head < first + n; ++head) {
                memcpy(to(head, it), from(head, it), d*sizeof(float));
            }
            return;
        }
        int32_t names[LANES] = {};
        for (int64_t l = 0; l < n; ++l) {
            names[l] = name(first + l, it);
        }
        head_angles of;
        draw_angles(noise, names, of);

        const uint32_t place = noise.place;
        for (int l = 0; l < n; ++l) {
            const float * x = from(first + l, it);
            float       * y = to  (first + l, it);

            noise.place = place | (uint32_t) names[l];
            if (noise.turn == GGML_RANDOM_ROTATE_ELEMENTWISE) {
                add_to_elements(noise, x, y, d);
            } else if (!turn_row(noise, of, l, x, y, d)) {
                turn_row_scaled(noise, of, l, x, y, d);
            }
        }
    }
};

void ggml_compute_forward_random_rotate(const ggml_compute_params * params, ggml_tensor * dst) {
    const rotate_op op(dst);

    const int64_t n_head = dst->ne[1];
    const int64_t n_rows = dst->ne[1]*dst->ne[2];

    // A row is never split between threads, so its sums, and therefore its bits, do not depend on their number. A single row
    // belongs to the first thread, which has it in its cache because a preceding norm or activation was computed there.
    const int64_t round = params->nth - 1;
    const int64_t last  = (n_rows*(params->ith + 1) + round)/params->nth;
    for (int64_t row = (n_rows*params->ith + round)/params->nth; row < last; ) {
        const int64_t head = row % n_head;
        const int64_t n    = std::min({ (int64_t) LANES, n_head - head, last - row });
        op.compute(head, n, row/n_head);
        row += n;
    }
}
