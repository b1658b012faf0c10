// The parameters that a token has for the ops: the layout of their input "tokens". Macros, because GLSL has no enumerations.

#pragma once

// limits of the fields of a random number's counter
#define RANDOM_ROTATE_MAX_HEADS  (1 << 18)
#define RANDOM_ROTATE_MAX_LAYERS (1 << 10)
#define RANDOM_ROTATE_MAX_SITES  (1 << 4)

// the parameters of a token, in this order: I32 [GGML_RANDOM_ROTATE_TOKEN_SIZE, n_tokens]
#define GGML_RANDOM_ROTATE_TOKEN_SEED   0 // bits of a uint32_t
#define GGML_RANDOM_ROTATE_TOKEN_TABLE  1 // index of the dose table, or -1: nothing is turned for this token
#define GGML_RANDOM_ROTATE_TOKEN_FACTOR 2 // factor on the table's angles: bits of a float
#define GGML_RANDOM_ROTATE_TOKEN_SINK   3 // keys and values of positions below this are not turned
#define GGML_RANDOM_ROTATE_TOKEN_NOISE  4 // how the d numbers are drawn, see below
#define GGML_RANDOM_ROTATE_TOKEN_ANGLE  5 // how the angle is drawn
#define GGML_RANDOM_ROTATE_TOKEN_TURN   6 // what is done to a row
#define GGML_RANDOM_ROTATE_TOKEN_APART  7 // n > 0: direction n of a set of orthogonal directions (random-rotate-apart.h); 0: any direction
#define GGML_RANDOM_ROTATE_TOKEN_LAYERS 8 // -1: each layer draws its own numbers; 0: all layers share them
#define GGML_RANDOM_ROTATE_TOKEN_TIME   9 // per site, the time that numbers are drawn for: the position, or a number that several positions share

#define GGML_RANDOM_ROTATE_TOKEN_SIZE (GGML_RANDOM_ROTATE_TOKEN_TIME + RANDOM_ROTATE_MAX_SITES)

// how the d numbers are drawn
#define GGML_RANDOM_ROTATE_ISOTROPIC 0 // standard normals: the direction is uniform on the sphere orthogonal to x
#define GGML_RANDOM_ROTATE_REFERENCE 1 // Uniform(0, 1): the direction leans towards the vector of ones

// how the angle is drawn; T is the table's angle times the factor
#define GGML_RANDOM_ROTATE_UNIFORM     0 // Uniform(0, T)
#define GGML_RANDOM_ROTATE_HALF_NORMAL 1 // |n| T sqrt(pi/8), n standard normal: the same mean, T/2
#define GGML_RANDOM_ROTATE_FIXED       2 // T

// what is done to a row x, given an angle r and the numbers g
#define GGML_RANDOM_ROTATE_ROTATION    0 // x is rotated by r towards the part of g that is orthogonal to it
#define GGML_RANDOM_ROTATE_ADDITION    1 // x + r |x| g/|g|
#define GGML_RANDOM_ROTATE_NLERP       2 // the same, rescaled to the length of x
#define GGML_RANDOM_ROTATE_ELEMENTWISE 3 // x + T u, u = d numbers from Uniform(0, 1), whatever the kinds of noise and angle
