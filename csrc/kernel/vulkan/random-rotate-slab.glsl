// Slabs of a cache in shared memory: 64 numbers of each of 32 cells. Adjacent threads read adjacent memory.

// one more number between cells, so that the threads of a subgroup use different banks
RANDOM_ROTATE_GROUP_SHARED(float, slab, RANDOM_ROTATE_VULKAN_CELLS*(RANDOM_ROTATE_VULKAN_WIDTH + 1));

// number i of a cell in the slab
float slab_number(int32_t cell, int32_t i) {
    return slab[cell*(RANDOM_ROTATE_VULKAN_WIDTH + 1) + i];
}

// Loads numbers base, base + 1, ... of cells first, first + 1, ... before end; what is outside is 0. head: where the cache's head
// begins; stride: between cells, or between numbers if transposed.
void load_slab(int32_t thread, int32_t head, int32_t stride, bool transposed, int32_t first, int32_t end, int32_t base, int32_t d) {
    const int32_t n_line = transposed ? RANDOM_ROTATE_VULKAN_CELLS : RANDOM_ROTATE_VULKAN_WIDTH;
    for (int32_t at = thread; at < RANDOM_ROTATE_VULKAN_CELLS*RANDOM_ROTATE_VULKAN_WIDTH; at += RANDOM_ROTATE_VULKAN_THREADS) {
        const int32_t cell   = transposed ? at % n_line : at / n_line;
        const int32_t i      = transposed ? at / n_line : at % n_line;
        const bool    inside = first + cell < end && base + i < d;
        const int32_t line   = head + stride*(transposed ? base + i : first + cell);
        slab[cell*(RANDOM_ROTATE_VULKAN_WIDTH + 1) + i] = inside ? cache_number(line, transposed ? first + cell : base + i) : 0.0f;
    }
}
