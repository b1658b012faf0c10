// V: sums of turned values. A workgroup sums a chunk of the cells of one value head, for four of the queries that read them; a second
// shader finishes the row (random-rotate-finish.comp). A thread computes the factor of one query and one cell, and sums one number of
// the values, in each slab, for two queries. The formulas are in random-rotate-attend.h.

#include "random-rotate-vulkan-args.h"
#include "random-rotate-shader.h"

RANDOM_ROTATE_SPECIALIZED(0, n_threads); // RANDOM_ROTATE_VULKAN_THREADS
RANDOM_ROTATE_SPECIALIZED(1, cache_type);
RANDOM_ROTATE_SPECIALIZED(2, n_slabs);   // of a value, or more
RANDOM_ROTATE_PUSHED(random_rotate_vulkan_values);
RANDOM_ROTATE_READ   (2, float,    p_data);
RANDOM_ROTATE_READ   (3, uint16_t, cache_data);
RANDOM_ROTATE_READ   (4, int32_t,  cell_data);
RANDOM_ROTATE_WRITTEN(5, float,    part_data);

#include "random-rotate-cache.glsl"
#include "random-rotate-slab.glsl"
#include "random-rotate-values.glsl"

#define RANDOM_ROTATE_WEIGHS 1 // any of the cells has a weight for any query,
#define RANDOM_ROTATE_HAS    2 // which has noise,
#define RANDOM_ROTATE_LEANS  4 // which depends on the sums of values

RANDOM_ROTATE_GROUP_SHARED(float, factors, RANDOM_ROTATE_VULKAN_ROWS*RANDOM_ROTATE_VULKAN_CELLS);
RANDOM_ROTATE_GROUP_SHARED(uint32_t, kinds, 1);

const int32_t n_sums = 2*n_slabs;
RANDOM_ROTATE_PRIVATE(float, sums, n_sums); // of this thread's number and its two queries, for each slab

int32_t me;
int32_t query; // of this thread's factor,
int32_t cell;  // and the cell among 32
int32_t values_at;
int32_t end;   // of the chunk

// loads a slab of 32 cells when the previous one has been read
void load(int32_t first, int32_t base) {
    barrier();
    load_slab(me, values_at, args.v_nb1, args.transposed != 0, first, end, base, args.d);
    barrier();
}

// adds the squares and the numbers of this thread's cell in the slab
void measure(RANDOM_ROTATE_INOUT(float) square, RANDOM_ROTATE_INOUT(float) sum) {
    for (int32_t i = 0; i < RANDOM_ROTATE_VULKAN_WIDTH; ++i) {
        const float x = slab_number(cell, i);
        square += x*x;
        sum    += x;
    }
}

// adds the values in the slab, times their factors
void add_values(int32_t number) {
    const int32_t i     = me % RANDOM_ROTATE_VULKAN_WIDTH;
    const int32_t first = me / RANDOM_ROTATE_VULKAN_WIDTH*2*RANDOM_ROTATE_VULKAN_CELLS;
    float sum0 = 0.0f;
    float sum1 = 0.0f;
    for (int32_t j = 0; j < RANDOM_ROTATE_VULKAN_CELLS; ++j) {
        const float x = slab_number(j, i);
        sum0 += factors[first + j]*x;
        sum1 += factors[first + RANDOM_ROTATE_VULKAN_CELLS + j]*x;
    }
    sums[2*number]     += sum0;
    sums[2*number + 1] += sum1;
}

// s1(v)/|v| of this thread's value
float lean_of(int32_t first) {
    float square = 0.0f;
    float sum    = 0.0f;
    for (int32_t base = 0; base < args.d; base += RANDOM_ROTATE_VULKAN_WIDTH) {
        load(first, base);
        measure(square, sum);
    }
    return square > 0.0f ? sum/random_rotate_sqrt(square) : 0.0f;
}

// what the cells from first on need: RANDOM_ROTATE_WEIGHS, ...
uint32_t kinds_of(random_rotate_noise_key noise, float weight) {
    barrier(); // the previous ones have been read
    if (me == 0) {
        kinds[0] = 0;
    }
    barrier();
    if ((random_rotate_as_bits(weight) & 0x7fffffffu) != 0) {
        atomicOr(kinds[0], RANDOM_ROTATE_WEIGHS | (noise.theta_max == 0.0f ? 0 : RANDOM_ROTATE_HAS |
            (noise.reference != 0 ? RANDOM_ROTATE_LEANS : 0)));
    }
    barrier();
    return kinds[0];
}

// adds 32 cells
void add_cells(int32_t first, random_rotate_noise_key noise, float weight, int32_t position, RANDOM_ROTATE_ARRAY(float, part, RANDOM_ROTATE_PART_SIZE)) {
    const uint32_t kind = kinds_of(noise, weight);
    if ((kind & RANDOM_ROTATE_WEIGHS) == 0) {
        return; // such as cells that are empty
    }
    const float lean = (kind & RANDOM_ROTATE_LEANS) != 0 ? lean_of(first) : 0.0f;

    uint32_t words[4];
    random_rotate_value_words(noise, uint32_t(position), words);
    float share; // of the noise, for a value of length 1
    factors[query*RANDOM_ROTATE_VULKAN_CELLS + cell] = random_rotate_factor(noise, position, words, args.d, weight, lean, share);

    float square = 0.0f;
    float sum    = 0.0f;
    for (int32_t number = 0; number < n_slabs; ++number) {
        if (number*RANDOM_ROTATE_VULKAN_WIDTH < args.d) {
            load(first, number*RANDOM_ROTATE_VULKAN_WIDTH);
            if ((kind & RANDOM_ROTATE_HAS) != 0) {
                measure(square, sum);
            }
            add_values(number);
        }
    }
    if (noise.theta_max != 0.0f) {
        share *= random_rotate_sqrt(square);
        random_rotate_add_part(part, share, float(first + cell), 0.0f, share);
    }
}

// where the sums of a query over the chunk are kept: d numbers, and those for its noise
int32_t part_of(random_rotate_reader reader, int32_t stream, int32_t chunk) {
    const int32_t row = reader.it + args.n_tokens*(reader.head + args.n_head*stream);
    return (chunk + args.n_chunks*row)*(args.d + RANDOM_ROTATE_PART_SIZE);
}

void store_sums(int32_t row, int32_t head_kv, int32_t stream, int32_t chunk) {
    for (int32_t r = 0; r < 2; ++r) {
        const random_rotate_reader reader = random_rotate_reader_of(row + me/RANDOM_ROTATE_VULKAN_WIDTH*2 + r, args.n_tokens,
            args.n_head/args.n_head_kv, head_kv);
        const int32_t to = part_of(reader, stream, chunk);
        for (int32_t number = 0; number < n_slabs; ++number) {
            const int32_t i = number*RANDOM_ROTATE_VULKAN_WIDTH + me % RANDOM_ROTATE_VULKAN_WIDTH;
            if (reader.exists && i < args.d) {
                part_data[to + i] = sums[2*number + r];
            }
        }
    }
}

void main() {
    const int32_t chunk   = int32_t(gl_WorkGroupID.x);
    const int32_t row     = int32_t(gl_WorkGroupID.y)*RANDOM_ROTATE_VULKAN_ROWS;
    const int32_t head_kv = int32_t(gl_WorkGroupID.z) % args.n_head_kv;
    const int32_t stream  = int32_t(gl_WorkGroupID.z) / args.n_head_kv;
    const int32_t begin   = chunk*args.n_chunk;
    me        = int32_t(gl_LocalInvocationIndex);
    query     = me / RANDOM_ROTATE_VULKAN_CELLS;
    cell      = me % RANDOM_ROTATE_VULKAN_CELLS;
    values_at = args.v_at + head_kv*args.v_nb2 + stream*args.v_nb3;
    end       = begin + args.n_chunk < args.n_kv ? begin + args.n_chunk : args.n_kv;

    const random_rotate_reader    reader = random_rotate_reader_of(row + query, args.n_tokens, args.n_head/args.n_head_kv, head_kv);
    const random_rotate_noise_key noise  = noise_key_of_reader(reader.it, reader.head, stream);
    const int32_t weights = args.p_at + reader.it*args.p_nb1 + reader.head*args.p_nb2 + stream*args.p_nb3;

    float part[RANDOM_ROTATE_PART_SIZE];
    for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
        part[f] = 0.0f;
    }
    for (int32_t n = 0; n < n_sums; ++n) {
        sums[n] = 0.0f;
    }
    for (int32_t first = begin; first < end; first += RANDOM_ROTATE_VULKAN_CELLS) {
        const int32_t own      = first + cell;
        const int32_t position = own < end ? cell_data[args.cells_at + stream*args.n_kv + own] : -1;
        add_cells(first, noise, own < end ? p_data[weights + own] : 0.0f, position, part);
    }
    store_sums(row, head_kv, stream, chunk);

    join_parts(me, RANDOM_ROTATE_VULKAN_CELLS, part);
    if (cell == 0 && reader.exists) {
        const int32_t to = part_of(reader, stream, chunk) + args.d;
        for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
            part_data[to + f] = part[f];
        }
    }
}
