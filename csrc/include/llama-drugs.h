// DRµGS for llama.cpp: while the model thinks, vectors inside its attention layers are turned by small random angles.
//
// A dose belongs to a sequence of a context, not to the context: one batch may hold sequences with different doses,
// different seeds, and none. A sequence without a dose computes bit for bit what llama.cpp computes without this file.
//
// All functions return a code of enum llama_drugs_status. They never abort, and no C++ exception leaves them. They must not run at
// the same time as llama_decode() or llama_encode() on the same context.

#pragma once

#include "llama.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// the largest angle of a dose, in radians: pi, a half turn
#define LLAMA_DRUGS_MAX_ANGLE 3.14159274f

// the places where vectors are turned; the order is the order of the columns of a dose table
enum llama_drugs_site {
    LLAMA_DRUGS_SITE_H  = 0, // input of the query, key and value projections  [n_embd]      per token
    LLAMA_DRUGS_SITE_Q  = 1, // query heads                                    [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_K  = 2, // cached keys, as a token's scores read them     [n_embd_head] per query head, token and
    LLAMA_DRUGS_SITE_V  = 3, // cached values, as its output reads them                      cached position past the sink
    LLAMA_DRUGS_SITE_A  = 4, // attention output of each head                  [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_PK = 5, // the token's own key heads, on the way into the cache
    LLAMA_DRUGS_SITE_PV = 6, // the token's own value heads, on the way into the cache
    LLAMA_DRUGS_SITE_M  = 7, // input of the MLP's down projection                [n_ff]        per token, and chosen expert

    LLAMA_DRUGS_SITE_COUNT,
};

// how the direction of a turn is drawn
enum llama_drugs_noise {
    LLAMA_DRUGS_NOISE_ISOTROPIC = 0, // uniform on the sphere orthogonal to the vector
    LLAMA_DRUGS_NOISE_REFERENCE = 1, // from d numbers of Uniform(0, 1), so that it leans towards the vector of ones; queries
                                     // are turned before RoPE, keys after it, as the PyTorch reference does
};

// how the angle r is drawn; T is the largest one
enum llama_drugs_angle {
    LLAMA_DRUGS_ANGLE_UNIFORM     = 0, // Uniform(0, T)
    LLAMA_DRUGS_ANGLE_HALF_NORMAL = 1, // |n| T sqrt(pi/8), n a standard normal: of the same mean, T/2
    LLAMA_DRUGS_ANGLE_FIXED       = 2, // T
};

// what is done with a vector x, an angle r and the direction's numbers g
enum llama_drugs_turn {
    LLAMA_DRUGS_TURN_ROTATION    = 0, // x turns by r radians and keeps its length
    LLAMA_DRUGS_TURN_ADDITION    = 1, // x + r |x| g/|g|
    LLAMA_DRUGS_TURN_NLERP       = 2, // the same, brought back to the length of x
    LLAMA_DRUGS_TURN_ELEMENTWISE = 3, // x + T u, u numbers from Uniform(0, 1); isotropic noise and uniform angles alone, not at K and V
};

enum llama_drugs_status {
    LLAMA_DRUGS_OK          =  0,
    LLAMA_DRUGS_SOBER       =  1, // not an error: the sequence has no dose
    LLAMA_DRUGS_ERR_POINTER = -1, // a pointer is NULL
    LLAMA_DRUGS_ERR_SEQ     = -2, // no such sequence in this context
    LLAMA_DRUGS_ERR_LAYERS  = -3, // n_layer is not the model's
    LLAMA_DRUGS_ERR_ANGLE   = -4, // an angle is negative, above LLAMA_DRUGS_MAX_ANGLE or not a number
    LLAMA_DRUGS_ERR_SINK    = -5, // the number of sink positions, or the first dosed one, is negative
    LLAMA_DRUGS_ERR_NOISE   = -6, // unknown kind of noise
    LLAMA_DRUGS_ERR_DEVICE  = -7, // the model's heads are divided between devices (LLAMA_SPLIT_MODE_TENSOR)
    LLAMA_DRUGS_ERR_MEMORY  = -8, // out of memory
    LLAMA_DRUGS_ERR_SITE    = -9, // a dosed site is in none of the layers where it has an angle (llama_drugs_has_site)
    LLAMA_DRUGS_ERR_GRAPH   = -10, // llama.cpp could not build the model's graph; it has logged why
    LLAMA_DRUGS_ERR_REPEATABLE = -11, // a device other than the CPU computes
    LLAMA_DRUGS_ERR_HOLD    = -12, // a number of positions in hold is negative
    LLAMA_DRUGS_ERR_KIND    = -13, // unknown kinds of angle or turn, or kinds that do not go together
    LLAMA_DRUGS_ERR_APART   = -14, // apart is negative, or K or V is dosed, which draw no directions
    LLAMA_DRUGS_ERR_COURSE  = -15, // the course's tokens are negative or do not grow, or a ratio is negative or not finite
    LLAMA_DRUGS_ERR_TRACE   = -16, // no such row or part of a trace, or this model has none (llama-trace.h)
};

// a point of a course: between two of them, ratios lie on a straight line
struct llama_drugs_course_point {
    int32_t token; // counted from course_start; not negative
    float   ratio; // factor on all angles, 0 or more
};

struct llama_drugs_params {
    const float          * doses;   // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer], largest angles in radians, site fastest
    int32_t                n_layer;
    uint32_t               seed;    // same seed, same noise: whatever the threads, the batch split or the backend
    int32_t                n_sink;  // positions 0 .. n_sink - 1 are never dosed
    enum llama_drugs_noise noise;

    int32_t start; // tokens at positions before this one are sober, too; the keys and values that they cached are turned for others

    // I32 [LLAMA_DRUGS_SITE_COUNT], for how many positions angles and directions stay at a site: those from n*i to n*i + n - 1 have the
    // numbers of one position; 0: all positions; NULL: 1 everywhere, fresh ones at each position
    const int32_t * hold;

    bool shared_layers; // all layers draw the numbers of layer 0

    enum llama_drugs_angle angle;
    enum llama_drugs_turn  turn;

    // n > 0: the n-th of the directions of this seed that keep apart: at each place, those of two runs are orthogonal before their parts
    // along each run's own vector are taken away. As many as the row has numbers; later ones are another such set. 0: any direction.
    // Isotropic noise alone, and not at K and V.
    int32_t apart;

    // [n_course], tokens growing: how all angles go up and down with positions; NULL: not at all. Position p has the ratio at token
    // p - course_start; before the first point and after the last it is that point's own.
    const struct llama_drugs_course_point * course;
    int32_t                                 n_course;
    int32_t                                 course_start;
};

// dose a sequence from its next token on; the table is copied
// a token that belongs to several sequences is dosed only if all of them have the same dose
LLAMA_API int32_t llama_drugs_set(struct llama_context * ctx, llama_seq_id seq_id, const struct llama_drugs_params * params);

// read a sequence's dose; out->doses stays valid until the next llama_drugs_set() or llama_drugs_clear() of that sequence
// LLAMA_DRUGS_SOBER if it has none (out is then left as it was)
LLAMA_API int32_t llama_drugs_get(const struct llama_context * ctx, llama_seq_id seq_id, struct llama_drugs_params * out);

// make a sequence sober again, or all of them with seq_id = -1
LLAMA_API int32_t llama_drugs_clear(struct llama_context * ctx, llama_seq_id seq_id);

// Whether batches with tokens of a sequence, or of any one with seq_id = -1, are computed so that each token's numbers are the same to
// the bit in any company: whatever the other tokens of the batch, the number of threads, or where a prompt is cut into batches.
// At first they are not, as in llama.cpp. LLAMA_DRUGS_ERR_REPEATABLE: the context also computes on another device than the CPU.
LLAMA_API int32_t llama_drugs_set_repeatable(struct llama_context * ctx, llama_seq_id seq_id, bool repeatable);

// whether llama_drugs_set_repeatable() is possible: 1, 0, or LLAMA_DRUGS_ERR_POINTER
LLAMA_API int32_t llama_drugs_can_repeat(const struct llama_context * ctx);

// whether it is possible and the model's matrices are of types for which it takes a few percent of time at most: 1, 0, or
// LLAMA_DRUGS_ERR_POINTER; for those of other types, prompts can take several times as long
LLAMA_API int32_t llama_drugs_repeats_cheaply(const struct llama_context * ctx);

// whether a layer of this context's model has a site under a kind of noise: 1, 0, or a negative status
// the first call builds a graph to find out, and computes nothing
LLAMA_API int32_t llama_drugs_has_site(
        struct llama_context  * ctx,
        int32_t                 layer,
        enum llama_drugs_site   site,
        enum llama_drugs_noise  noise);

// number of rows of this context's dose tables, or LLAMA_DRUGS_ERR_POINTER
LLAMA_API int32_t llama_drugs_n_layer(const struct llama_context * ctx);

// "H", "Q", "K", "V", "A", "pK", "pV", "M"; NULL for anything else
LLAMA_API const char * llama_drugs_site_name(enum llama_drugs_site site);

// one sentence for a code of enum llama_drugs_status
LLAMA_API const char * llama_drugs_status_text(int32_t status);

#ifdef __cplusplus
}
#endif
