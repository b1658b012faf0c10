// Shared by both shaders for V.

RANDOM_ROTATE_GROUP_SHARED(float, shared_parts, RANDOM_ROTATE_PART_SIZE*RANDOM_ROTATE_VULKAN_THREADS);

random_rotate_noise_key noise_key_of_reader(int32_t it, int32_t head, int32_t stream) {
    random_rotate_noise_key noise = random_rotate_noise_key_of(RANDOM_ROTATE_DOSES_AT(args.at.doses_at), args.at.n_site, args.at.n_layer,
        RANDOM_ROTATE_TOKEN_AT(args.at.tokens_at + (stream*args.n_tokens + it)*GGML_RANDOM_ROTATE_TOKEN_SIZE), args.at.layer, args.at.site, head);
    noise.theta_max = args.d == 1 ? 0.0f : noise.theta_max; // one dimension: nothing to turn
    return noise;
}

// adds up the parts of n_together adjacent threads, a power of two, for the first of them
void join_parts(int32_t thread, int32_t n_together, RANDOM_ROTATE_ARRAY(float, part, RANDOM_ROTATE_PART_SIZE)) {
    for (int32_t half_of = n_together/2; half_of > 0; half_of /= 2) {
        barrier();
        for (int32_t f = 0; f < RANDOM_ROTATE_PART_SIZE; ++f) {
            shared_parts[RANDOM_ROTATE_PART_SIZE*thread + f] = part[f];
        }
        barrier();
        if (thread % n_together < half_of) {
            const int32_t other = RANDOM_ROTATE_PART_SIZE*(thread + half_of);
            random_rotate_add_part(part, shared_parts[other + RANDOM_ROTATE_PART_HEAVIEST], shared_parts[other + RANDOM_ROTATE_PART_CELL],
                shared_parts[other + RANDOM_ROTATE_PART_REST], shared_parts[other + RANDOM_ROTATE_PART_LEAN]);
        }
    }
}
