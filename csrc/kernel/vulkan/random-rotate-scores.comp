// K: scores of turned keys. A workgroup handles 32 cells of one key head, for four of the queries (head by head, token by token) that
// read them; a thread computes the score of one query and one cell. The formulas are in random-rotate-attend.h.

#include "random-rotate-vulkan-args.h"
#include "random-rotate-shader.h"

RANDOM_ROTATE_SPECIALIZED(0, n_threads); // RANDOM_ROTATE_VULKAN_THREADS
RANDOM_ROTATE_SPECIALIZED(1, cache_type);
RANDOM_ROTATE_PUSHED(random_rotate_vulkan_scores);
RANDOM_ROTATE_READ   (2, float,    q_data);
RANDOM_ROTATE_READ   (3, uint16_t, cache_data);
RANDOM_ROTATE_READ   (4, int32_t,  cell_data);
RANDOM_ROTATE_READ   (5, uint16_t, mask_data);
RANDOM_ROTATE_WRITTEN(6, float,    y_data);

#include "random-rotate-cache.glsl"
#include "random-rotate-slab.glsl"

RANDOM_ROTATE_GROUP_SHARED(float, queries, RANDOM_ROTATE_VULKAN_ROWS*RANDOM_ROTATE_VULKAN_WIDTH);
RANDOM_ROTATE_GROUP_SHARED(uint32_t, any_sees, 1);

// the products and sums of a query and a key
struct measures {
    float score;
    float q_square;
    float q_sum;
    float k_square;
    float k_sum;
};

bool sees(random_rotate_reader reader, int32_t stream, int32_t cell) {
    if (args.mask_type == RANDOM_ROTATE_VULKAN_MASK_NONE) {
        return true;
    }
    const int32_t row = args.mask_at + reader.it*args.mask_nb1 + reader.head % args.mask_ne2*args.mask_nb2 + stream % args.mask_ne3*args.mask_nb3;
    // compared as bits: a device may assume that there is no infinity
    return args.mask_type == RANDOM_ROTATE_VULKAN_MASK_F16 ? uint32_t(mask_data[row + cell]) != 0xfc00u :
        (uint32_t(mask_data[row + 2*cell]) | uint32_t(mask_data[row + 2*cell + 1]) << 16) != 0xff800000u;
}

void load_queries(int32_t me, int32_t row, int32_t head_kv, int32_t stream, int32_t base) {
    for (int32_t at = me; at < RANDOM_ROTATE_VULKAN_ROWS*RANDOM_ROTATE_VULKAN_WIDTH; at += RANDOM_ROTATE_VULKAN_THREADS) {
        const int32_t i = base + at % RANDOM_ROTATE_VULKAN_WIDTH;
        const random_rotate_reader of = random_rotate_reader_of(row + at/RANDOM_ROTATE_VULKAN_WIDTH, args.n_tokens,
            args.n_head/args.n_head_kv, head_kv);
        queries[at] = i < args.d ? q_data[args.q_at + of.it*args.q_nb1 + of.head*args.q_nb2 + stream*args.q_nb3 + i] : 0.0f;
    }
}

// adds the numbers of a slab
void measure(int32_t query, int32_t cell, RANDOM_ROTATE_INOUT(measures) of) {
    for (int32_t i = 0; i < RANDOM_ROTATE_VULKAN_WIDTH; ++i) {
        const float q = queries[query*RANDOM_ROTATE_VULKAN_WIDTH + i];
        const float k = slab_number(cell, i);
        of.score    += q*k;
        of.q_square += q*q;
        of.q_sum    += q;
        of.k_square += k*k;
        of.k_sum    += k;
    }
}

void main() {
    const int32_t me      = int32_t(gl_LocalInvocationIndex);
    const int32_t query   = me / RANDOM_ROTATE_VULKAN_CELLS;
    const int32_t cell    = me % RANDOM_ROTATE_VULKAN_CELLS;
    const int32_t first   = int32_t(gl_WorkGroupID.x)*RANDOM_ROTATE_VULKAN_CELLS;
    const int32_t row     = int32_t(gl_WorkGroupID.y)*RANDOM_ROTATE_VULKAN_ROWS;
    const int32_t head_kv = int32_t(gl_WorkGroupID.z) % args.n_head_kv;
    const int32_t stream  = int32_t(gl_WorkGroupID.z) / args.n_head_kv;
    const int32_t own     = first + cell;

    const random_rotate_reader reader = random_rotate_reader_of(row + query, args.n_tokens, args.n_head/args.n_head_kv, head_kv);
    const bool    exists   = reader.exists && own < args.n_kv;
    const int32_t position = own < args.n_kv ? cell_data[args.cells_at + stream*args.n_kv + own] : -1;
    const int32_t to       = own + args.n_kv*(reader.it + args.n_tokens*(reader.head + args.n_head*stream));

    if (me == 0) {
        any_sees[0] = 0;
    }
    barrier();
    if (exists && sees(reader, stream, own)) {
        atomicOr(any_sees[0], 1);
    }
    barrier();
    if (any_sees[0] == 0) {
        if (exists) {
            y_data[to] = 0.0f; // no query attends to it, so any value will do
        }
        return;
    }

    measures of;
    of.score    = 0.0f;
    of.q_square = 0.0f;
    of.q_sum    = 0.0f;
    of.k_square = 0.0f;
    of.k_sum    = 0.0f;
    const int32_t keys = args.k_at + head_kv*args.k_nb2 + stream*args.k_nb3;
    for (int32_t base = 0; base < args.d; base += RANDOM_ROTATE_VULKAN_WIDTH) {
        barrier(); // the previous slab has been read
        load_slab(me, keys, args.k_nb1, false, first, args.n_kv, base, args.d);
        load_queries(me, row, head_kv, stream, base);
        barrier();
        measure(query, cell, of);
    }
    if (!exists) {
        return;
    }
    const random_rotate_noise_key noise = random_rotate_noise_key_of(RANDOM_ROTATE_DOSES_AT(args.at.doses_at), args.at.n_site,
        args.at.n_layer, RANDOM_ROTATE_TOKEN_AT(args.at.tokens_at + (stream*args.n_tokens + reader.it)*GGML_RANDOM_ROTATE_TOKEN_SIZE),
        args.at.layer, args.at.site, reader.head);
    if (noise.theta_max == 0.0f || args.d == 1 || position < noise.n_sink) {
        y_data[to] = of.score;
        return;
    }
    uint32_t words[4];
    random_rotate_score_words(noise, uint32_t(position), words);
    y_data[to] = random_rotate_turned(noise, random_rotate_measured_query(of.q_square, of.q_sum, args.d), uint32_t(position), words,
        random_rotate_sqrt(of.k_square), of.k_sum, of.score);
}
