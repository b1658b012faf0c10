// What a token tells the ops: the layout of their input "tokens".

#pragma once

// what a token tells the ops, in this order: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
enum ggml_random_rotate_token {
    GGML_RANDOM_ROTATE_TOKEN_SEED     = 0, // bits of a uint32_t
    GGML_RANDOM_ROTATE_TOKEN_POSITION = 1,
    GGML_RANDOM_ROTATE_TOKEN_TABLE    = 2, // which dose table, or -1: nothing is turned for this token
    GGML_RANDOM_ROTATE_TOKEN_NOISE    = 3, // enum ggml_random_rotate_noise
    GGML_RANDOM_ROTATE_TOKEN_SINK     = 4, // keys and values of positions below this are not turned

    GGML_RANDOM_ROTATE_TOKEN_SIZE     = 5,
};

// how the d numbers are drawn
enum ggml_random_rotate_noise {
    GGML_RANDOM_ROTATE_ISOTROPIC = 0, // standard normals: the direction is uniform on the sphere orthogonal to x
    GGML_RANDOM_ROTATE_REFERENCE = 1, // Uniform(0, 1): the direction leans towards the vector of ones
};
