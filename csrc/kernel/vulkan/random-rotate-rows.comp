// Turning rows, with one workgroup per row. A thread keeps its random numbers and its part of the row in registers if they fit; else
// the random numbers are kept where the result will be written. It draws the four numbers that one counter gives: numbers
// 64 (c/16) + 16 w + c%16, w < 4, of counters c = thread, thread + n_threads, ...

#include "random-rotate-vulkan-args.h"
#include "random-rotate-shader.h"

RANDOM_ROTATE_SPECIALIZED(0, n_threads); // a power of two, at most 256
RANDOM_ROTATE_SPECIALIZED(1, n_quads);   // counters per thread in registers; 0: a long row
RANDOM_ROTATE_PUSHED(random_rotate_vulkan_rows);
RANDOM_ROTATE_READ   (2, float,   x_data);
RANDOM_ROTATE_READ   (3, int32_t, head_data);
RANDOM_ROTATE_WRITTEN(4, float,   y_data);

#include "random-rotate-sums.glsl"

const int32_t n_kept = n_quads == 0 ? 1 : n_quads*RANDOM_ROTATE_QUAD;
RANDOM_ROTATE_PRIVATE(float, g, n_kept);
RANDOM_ROTATE_PRIVATE(float, v, n_kept);

int32_t me;
int32_t n_own;   // numbers that a thread has of the row
int32_t x_row;   // where the row is in x,
int32_t y_row;   // and in y
float   x_scale;

// index in the row of number n of this thread
int32_t own_index(int32_t n) {
    const int32_t counter = me + n/RANDOM_ROTATE_QUAD*n_threads;
    return RANDOM_ROTATE_GROUP*(counter/16) + 16*(n % RANDOM_ROTATE_QUAD) + counter % 16;
}

float x_at(int32_t i) {
    return i < args.d ? x_data[x_row + i]*x_scale : 0.0f;
}

// the random numbers, or later what is left of them
float noise_at(int32_t n, int32_t i) {
    return n_quads > 0 ? g[n] : i < args.d ? y_data[y_row + i] : 0.0f;
}

void set_noise(int32_t n, int32_t i, float value) {
    if (n_quads > 0) {
        g[n] = i < args.d ? value : 0.0f;
    } else if (i < args.d) {
        y_data[y_row + i] = value;
    }
}

float kept_x(int32_t n, int32_t i) {
    return n_quads > 0 ? v[n] : x_at(i);
}

void draw(random_rotate_noise_key noise) {
    for (int32_t n = 0; n < n_own; n += RANDOM_ROTATE_QUAD) {
        float quad[RANDOM_ROTATE_QUAD];
        random_rotate_draw_row_quad(noise, args.d, me + n/RANDOM_ROTATE_QUAD*n_threads, quad);
        for (int32_t w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            set_noise(n + w, own_index(n + w), quad[w]);
        }
    }
}

void load_x() {
    for (int32_t n = 0; n < n_own && n_quads > 0; ++n) {
        v[n] = x_at(own_index(n));
    }
}

// y -= a x, where y are the random numbers; sums: x.x, y.x and y.y of the result
void subtract(float a, RANDOM_ROTATE_ARRAY(float, sums, 3)) {
    sums[0] = 0.0f;
    sums[1] = 0.0f;
    sums[2] = 0.0f;
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        const float   x = kept_x(n, i);
        const float   y = noise_at(n, i) - a*x;
        if (a != 0.0f) {
            set_noise(n, i, y);
        }
        sums[0] += x*x;
        sums[1] += y*x;
        sums[2] += y*y;
    }
    sum_over_group(me, sums);
}

// bits of the largest |x|, which are ordered like the numbers, with infinity and NaN last
uint32_t largest_bits() {
    uint32_t most = 0;
    for (int32_t n = 0; n < n_own; ++n) {
        const uint32_t bits = random_rotate_as_bits(kept_x(n, own_index(n))) & 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return max_over_group(me, most);
}

// axis along which the row is shortest; every thread searches on its own, because very few rows need this
int32_t shortest_axis() {
    int32_t axis = 0;
    for (int32_t i = 1; i < args.d; ++i) {
        axis = random_rotate_abs(x_data[x_row + i]) < random_rotate_abs(x_data[x_row + axis]) ? i : axis;
    }
    return axis;
}

// makes the random numbers orthogonal to x; sums: as from subtract()
void make_orthogonal(RANDOM_ROTATE_ARRAY(float, sums, 3)) {
    const float xx = sums[0];
    const float gx = sums[1];
    const float a  = gx/xx;
    subtract(a, sums);

    const int32_t next = random_rotate_orthogonality(sums[2], a, gx);
    if (next == RANDOM_ROTATE_PROJECT_AGAIN) {
        subtract(sums[1]/xx, sums);
    } else if (next == RANDOM_ROTATE_PROJECT_AXIS) {
        const int32_t axis = shortest_axis();
        for (int32_t n = 0; n < n_own; ++n) {
            const int32_t i = own_index(n);
            set_noise(n, i, i == axis ? 1.0f : 0.0f);
        }
        subtract(x_at(axis)/xx, sums);
    }
}

// a thread writes where it wrote random numbers, so none has to wait
void copy_row() {
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        if (i < args.d) {
            y_data[y_row + i] = x_data[x_row + i];
        }
    }
}

// adds a number of Uniform(0, theta_max) to each element
void add_to_elements(float theta_max) {
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        if (i < args.d) {
            y_data[y_row + i] = x_data[x_row + i] + theta_max*noise_at(n, i);
        }
    }
}

void turn_row(random_rotate_noise_key noise) {
    float inverse = 1.0f;
    float sums[3];
    subtract(0.0f, sums);
    if (!random_rotate_square_fits(sums[0])) {
        const uint32_t most = largest_bits();
        random_rotate_scale(random_rotate_as_float(most), x_scale, inverse);
        load_x();
        subtract(0.0f, sums);
        if (most == 0 || most >= 0x7f800000u || !random_rotate_square_fits(sums[0])) {
            copy_row(); // nothing to turn, or nothing that can be turned
            return;
        }
    }
    const float xx = sums[0];
    const float gx = sums[1];
    if (noise.turn == GGML_RANDOM_ROTATE_ROTATION) {
        make_orthogonal(sums);
    }
    const random_rotate_mix mix = random_rotate_mix_of(noise, random_rotate_angle(noise), xx, gx, sums[2]);
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        if (i < args.d) {
            y_data[y_row + i] = random_rotate_mixed(mix, kept_x(n, i), noise_at(n, i), x_scale, inverse);
        }
    }
}

void main() {
    const int32_t row  = int32_t(gl_WorkGroupID.y)*RANDOM_ROTATE_VULKAN_GRID + int32_t(gl_WorkGroupID.x);
    const int32_t head = row % args.n_head;
    const int32_t it   = row / args.n_head;
    if (row >= args.n_rows) {
        return;
    }
    const int32_t name = args.named != 0 ? head_data[args.heads_at + head*args.heads_nb0 + it*args.heads_nb1] + 1 : head;

    const random_rotate_noise_key noise = random_rotate_noise_key_of(RANDOM_ROTATE_DOSES_AT(args.at.doses_at), args.at.n_site,
        args.at.n_layer, RANDOM_ROTATE_TOKEN_AT(args.at.tokens_at + it*GGML_RANDOM_ROTATE_TOKEN_SIZE), args.at.layer, args.at.site, name);

    const int32_t n_counters = (args.d + RANDOM_ROTATE_GROUP - 1)/RANDOM_ROTATE_GROUP*16;
    me      = int32_t(gl_LocalInvocationIndex);
    n_own   = n_quads > 0 ? n_kept : (n_counters + n_threads - 1)/n_threads*RANDOM_ROTATE_QUAD;
    x_row   = args.x_at + head*args.x_nb1 + it*args.x_nb2;
    y_row   = row*args.d;
    x_scale = 1.0f;
    if (noise.theta_max == 0.0f || args.d == 1 || (args.only >= 0 && args.only != noise.reference)) {
        copy_row();
        return;
    }
    draw(noise);
    if (noise.turn == GGML_RANDOM_ROTATE_ELEMENTWISE) {
        add_to_elements(noise.theta_max);
    } else {
        load_x();
        turn_row(noise);
    }
}
