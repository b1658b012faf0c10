// The parameters that a token has for the ops: the layout of their input "tokens".

#pragma once

// the parameters of a token, in this order: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
enum ggml_random_rotate_token {
    GGML_RANDOM_ROTATE_TOKEN_SEED   = 0, // bits of a uint32_t
    GGML_RANDOM_ROTATE_TOKEN_TABLE  = 1, // index of the dose table, or -1: nothing is turned for this token
    GGML_RANDOM_ROTATE_TOKEN_FACTOR = 2, // factor on the table's angles: bits of a float
    GGML_RANDOM_ROTATE_TOKEN_SINK   = 3, // keys and values of positions below this are not turned
    GGML_RANDOM_ROTATE_TOKEN_NOISE  = 4, // enum ggml_random_rotate_noise
    GGML_RANDOM_ROTATE_TOKEN_ANGLE  = 5, // enum ggml_random_rotate_angle
    GGML_RANDOM_ROTATE_TOKEN_TURN   = 6, // enum ggml_random_rotate_turn
    GGML_RANDOM_ROTATE_TOKEN_APART  = 7, // n > 0: direction n of a set of orthogonal directions (random-rotate-apart.h); 0: any direction
    GGML_RANDOM_ROTATE_TOKEN_LAYERS = 8, // -1: each layer draws its own numbers; 0: all layers share them
    GGML_RANDOM_ROTATE_TOKEN_TIME   = 9, // per site, the time that numbers are drawn for: the position, or a number that several positions share

    GGML_RANDOM_ROTATE_TOKEN_SIZE   = GGML_RANDOM_ROTATE_TOKEN_TIME + 16, // RANDOM_ROTATE_MAX_SITES
};

// how the d numbers are drawn
enum ggml_random_rotate_noise {
    GGML_RANDOM_ROTATE_ISOTROPIC = 0, // standard normals: the direction is uniform on the sphere orthogonal to x
    GGML_RANDOM_ROTATE_REFERENCE = 1, // Uniform(0, 1): the direction leans towards the vector of ones
};

// how the angle is drawn; T is the table's angle times the factor
enum ggml_random_rotate_angle {
    GGML_RANDOM_ROTATE_UNIFORM     = 0, // Uniform(0, T)
    GGML_RANDOM_ROTATE_HALF_NORMAL = 1, // |n| T sqrt(pi/8), n standard normal: the same mean, T/2
    GGML_RANDOM_ROTATE_FIXED       = 2, // T
};

// what is done to a row x, given an angle r and the numbers g
enum ggml_random_rotate_turn {
    GGML_RANDOM_ROTATE_ROTATION    = 0, // x is rotated by r towards the part of g that is orthogonal to it
    GGML_RANDOM_ROTATE_ADDITION    = 1, // x + r |x| g/|g|
    GGML_RANDOM_ROTATE_NLERP       = 2, // the same, rescaled to the length of x
    GGML_RANDOM_ROTATE_ELEMENTWISE = 3, // x + T u, u = d numbers from Uniform(0, 1), whatever the kinds of noise and angle
};
