// V, the second shader: adds up the chunks of a query, and draws its noise. One workgroup per row. A thread keeps numbers
// 64 (c/16) + 16 w + c%16, w < 4, of counters c = thread, thread + n_threads, ...

#include "random-rotate-vulkan-args.h"
#include "random-rotate-shader.h"

RANDOM_ROTATE_SPECIALIZED(0, n_threads); // RANDOM_ROTATE_VULKAN_THREADS
RANDOM_ROTATE_SPECIALIZED(1, cache_type);
RANDOM_ROTATE_SPECIALIZED(2, n_quads);   // counters per thread
RANDOM_ROTATE_PUSHED(random_rotate_vulkan_values);
RANDOM_ROTATE_READ   (2, uint16_t, cache_data);
RANDOM_ROTATE_READ   (3, float,    part_data);
RANDOM_ROTATE_WRITTEN(4, float,    y_data);

#include "random-rotate-cache.glsl"
#include "random-rotate-sums.glsl"
#include "random-rotate-values.glsl"

const int32_t n_own = n_quads*RANDOM_ROTATE_QUAD;
RANDOM_ROTATE_PRIVATE(float, g, n_own); // random numbers
RANDOM_ROTATE_PRIVATE(float, v, n_own); // the value with the largest weight
RANDOM_ROTATE_PRIVATE(float, y, n_own); // the sum over all chunks

RANDOM_ROTATE_GROUP_SHARED(float, joined, RANDOM_ROTATE_PART_SIZE);

int32_t me;

// index in the row of number n of this thread
int32_t own_index(int32_t n) {
    const int32_t counter = me + n/RANDOM_ROTATE_QUAD*n_threads;
    return RANDOM_ROTATE_GROUP*(counter/16) + 16*(n % RANDOM_ROTATE_QUAD) + counter % 16;
}

void draw(random_rotate_noise_key noise, uint32_t what_for, bool uniformly) {
    for (int32_t n = 0; n < n_own; n += RANDOM_ROTATE_QUAD) {
        float quad[RANDOM_ROTATE_QUAD];
        random_rotate_draw_quad(noise, what_for, uniformly, uint32_t(1 + me + n/RANDOM_ROTATE_QUAD*n_threads), quad);
        for (int32_t w = 0; w < RANDOM_ROTATE_QUAD; ++w) {
            g[n + w] = own_index(n + w) < args.d ? quad[w] : 0.0f;
        }
    }
}

// g -= a v; sums: v.v, g.v and g.g of the result
void subtract(float a, RANDOM_ROTATE_ARRAY(float, sums, 3)) {
    sums[0] = 0.0f;
    sums[1] = 0.0f;
    sums[2] = 0.0f;
    for (int32_t n = 0; n < n_own; ++n) {
        g[n] -= a*v[n];
        sums[0] += v[n]*v[n];
        sums[1] += g[n]*v[n];
        sums[2] += g[n]*g[n];
    }
    sum_over_group(me, sums);
}

// the sums of all chunks for the noise, for all threads
void join_chunks(int32_t parts, RANDOM_ROTATE_ARRAY(float, all, RANDOM_ROTATE_PART_SIZE)) {
    for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
        all[f] = 0.0f;
    }
    for (int32_t chunk = me; chunk < args.n_chunks; chunk += n_threads) {
        const int32_t at = parts + chunk*(args.d + RANDOM_ROTATE_PART_SIZE) + args.d;
        random_rotate_add_part(all, part_data[at + RANDOM_ROTATE_PART_HEAVIEST], part_data[at + RANDOM_ROTATE_PART_CELL],
            part_data[at + RANDOM_ROTATE_PART_REST], part_data[at + RANDOM_ROTATE_PART_LEAN]);
    }
    join_parts(me, n_threads, all);
    for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE && me == 0; ++f) {
        joined[f] = all[f];
    }
    barrier();
    for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
        all[f] = joined[f];
    }
}

void sum_chunks(int32_t parts) {
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        float sum = 0.0f;
        for (int32_t chunk = 0; chunk < args.n_chunks && i < args.d; ++chunk) {
            sum += part_data[parts + chunk*(args.d + RANDOM_ROTATE_PART_SIZE) + i];
        }
        y[n] = sum;
    }
}

void load_value(int32_t head, int32_t stream, int32_t cell) {
    const int32_t values = args.v_at + head/(args.n_head/args.n_head_kv)*args.v_nb2 + stream*args.v_nb3;
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i    = own_index(n);
        const bool    turn = args.transposed != 0;
        v[n] = i < args.d ? cache_number(values + args.v_nb1*(turn ? i : cell), turn ? cell : i) : 0.0f;
    }
}

// the sum of the value's numbers
float sum_of_value() {
    float sums[3];
    sums[0] = 0.0f;
    sums[1] = 0.0f;
    sums[2] = 0.0f;
    for (int32_t n = 0; n < n_own; ++n) {
        sums[0] += v[n];
    }
    sum_over_group(me, sums);
    return sums[0];
}

// adds the value with the largest weight's part of the noise, w u: u is g or, for a rotation, the part of g orthogonal to the value,
// divided by its length
void add_heaviest(random_rotate_noise_key noise, float heaviest) {
    draw(noise, RANDOM_ROTATE_FOR_HEAVIEST, noise.reference != 0);
    float sums[3];
    subtract(0.0f, sums);
    const float vv = sums[0];
    const float gv = sums[1];
    const float gg = sums[2];

    float w = heaviest;
    if (noise.reference != 0) {
        const float sum = sum_of_value();
        w = heaviest*random_rotate_sqrt(random_rotate_mean_square(float(args.d), sum/random_rotate_sqrt(vv)));
        for (int32_t n = 0; n < n_own; ++n) {
            y[n] += 0.5f*heaviest*sum/vv*v[n]; // its share of the sums, because it is drawn in full below
        }
    }
    if (noise.turn != GGML_RANDOM_ROTATE_ADDITION) {
        subtract(gv/vv, sums);
        if (gg - gv*gv/vv <= 0.5f*gg) { // g and the value are nearly parallel, such as for d = 2
            subtract(sums[1]/vv, sums);
        }
    }
    const float scale = sums[2] > 0.0f ? w/random_rotate_sqrt(sums[2]) : 0.0f;
    for (int32_t n = 0; n < n_own; ++n) {
        y[n] += scale*g[n];
    }
}

// all: the sums of the row for its noise
void add_noise(random_rotate_noise_key noise, RANDOM_ROTATE_IN_ARRAY(float, all, RANDOM_ROTATE_PART_SIZE)) {
    const float heaviest = all[RANDOM_ROTATE_PART_HEAVIEST];
    if (heaviest > 0.0f) {
        add_heaviest(noise, heaviest);
    }
    const float ones  = noise.reference != 0 ? 0.5f*(all[RANDOM_ROTATE_PART_LEAN] - heaviest) : 0.0f;
    const float scale = random_rotate_rest_scale(noise.reference, all[RANDOM_ROTATE_PART_REST], float(args.d));
    draw(noise, RANDOM_ROTATE_FOR_REST, false);
    for (int32_t n = 0; n < n_own; ++n) {
        y[n] += ones + scale*g[n];
    }
}

void main() {
    const int32_t row    = int32_t(gl_WorkGroupID.y)*RANDOM_ROTATE_VULKAN_GRID + int32_t(gl_WorkGroupID.x);
    const int32_t it     = row % args.n_tokens;
    const int32_t head   = row / args.n_tokens % args.n_head;
    const int32_t stream = row / args.n_tokens / args.n_head;
    const int32_t parts  = args.n_chunks*row*(args.d + RANDOM_ROTATE_PART_SIZE);
    if (row >= args.n_rows) {
        return;
    }
    me = int32_t(gl_LocalInvocationIndex);
    sum_chunks(parts);

    const random_rotate_noise_key noise = noise_key_of_reader(it, head, stream);
    if (noise.theta_max != 0.0f) {
        float all[RANDOM_ROTATE_PART_SIZE];
        join_chunks(parts, all);
        load_value(head, stream, int32_t(all[RANDOM_ROTATE_PART_CELL]));
        add_noise(noise, all);
    }
    for (int32_t n = 0; n < n_own; ++n) {
        const int32_t i = own_index(n);
        if (i < args.d) {
            y_data[row*args.d + i] = y[n];
        }
    }
}
