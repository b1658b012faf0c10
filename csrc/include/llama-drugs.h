// DRµGS for llama.cpp: vectors inside a model's layers are turned by small random angles while it computes.
//
// A dose belongs to a sequence, not to the context: one batch may hold sequences with different doses, with different seeds, or without a
// dose. A sequence without a dose is computed bit for bit as llama.cpp computes it without this file.
//
// Unless noted otherwise, functions return a code of enum llama_drugs_status. They never abort and never throw a C++ exception. They must
// not be called while llama_decode() or llama_encode() runs on the same context.

#pragma once

#include "llama.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// the largest angle of a dose, in radians: pi, a half turn
#define LLAMA_DRUGS_MAX_ANGLE 3.14159274f

// the sites: places where vectors are turned, in the order of the columns of a dose table
enum llama_drugs_site {
    LLAMA_DRUGS_SITE_H  = 0, // input of the query, key and value projections  [n_embd]      per token
    LLAMA_DRUGS_SITE_Q  = 1, // query heads                                    [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_K  = 2, // cached keys, as read for a token's scores      [n_embd_head] per query head, token and
    LLAMA_DRUGS_SITE_V  = 3, // cached values, as read for a token's output                  cached position after the sink
    LLAMA_DRUGS_SITE_A  = 4, // attention output of each head                  [n_embd_head] per head and token
    LLAMA_DRUGS_SITE_PK = 5, // the token's own key heads, as they enter the cache
    LLAMA_DRUGS_SITE_PV = 6, // the token's own value heads, as they enter the cache
    LLAMA_DRUGS_SITE_M  = 7, // input of the MLP's down projection                [n_ff]        per token and selected expert

    LLAMA_DRUGS_SITE_COUNT,
};

// how the direction of a turn is drawn
enum llama_drugs_noise {
    LLAMA_DRUGS_NOISE_ISOTROPIC = 0, // uniform on the sphere orthogonal to the vector
    LLAMA_DRUGS_NOISE_REFERENCE = 1, // from d numbers of Uniform(0, 1), so it leans towards the vector of ones; queries are
                                     // turned before RoPE and keys after it, as in the PyTorch reference
};

// how the angle r is drawn; T is the dose
enum llama_drugs_angle {
    LLAMA_DRUGS_ANGLE_UNIFORM     = 0, // Uniform(0, T)
    LLAMA_DRUGS_ANGLE_HALF_NORMAL = 1, // |n| T sqrt(pi/8), n standard normal: the same mean, T/2
    LLAMA_DRUGS_ANGLE_FIXED       = 2, // T
};

// what is done to a vector x, given an angle r and the numbers g that define the direction
enum llama_drugs_turn {
    LLAMA_DRUGS_TURN_ROTATION    = 0, // x is rotated by r radians and keeps its length
    LLAMA_DRUGS_TURN_ADDITION    = 1, // x + r |x| g/|g|
    LLAMA_DRUGS_TURN_NLERP       = 2, // the same, rescaled to the length of x
    LLAMA_DRUGS_TURN_ELEMENTWISE = 3, // x + T u, u from Uniform(0, 1); only with isotropic noise and uniform angles, not at K and V
};

enum llama_drugs_status {
    LLAMA_DRUGS_OK          =  0,
    LLAMA_DRUGS_SOBER       =  1, // not an error: the sequence has no dose
    LLAMA_DRUGS_ERR_POINTER = -1, // a pointer is NULL
    LLAMA_DRUGS_ERR_SEQ     = -2, // no such sequence in this context
    LLAMA_DRUGS_ERR_LAYERS  = -3, // n_layer differs from the model's
    LLAMA_DRUGS_ERR_ANGLE   = -4, // an angle, also times a ratio of the course, is negative, above LLAMA_DRUGS_MAX_ANGLE or not a number
    LLAMA_DRUGS_ERR_SINK    = -5, // n_sink or start is negative
    LLAMA_DRUGS_ERR_NOISE   = -6, // unknown kind of noise
    LLAMA_DRUGS_ERR_DEVICE  = -7, // the model's heads are split across devices (LLAMA_SPLIT_MODE_TENSOR)
    LLAMA_DRUGS_ERR_MEMORY  = -8, // out of memory
    LLAMA_DRUGS_ERR_SITE    = -9, // a dosed site exists in none of the layers that dose it (see llama_drugs_has_site)
    LLAMA_DRUGS_ERR_GRAPH   = -10, // llama.cpp could not build the model's graph; the log says why
    LLAMA_DRUGS_ERR_REPEATABLE = -11, // the context also computes on a device other than the CPU
    LLAMA_DRUGS_ERR_HOLD    = -12, // an entry of hold is negative
    LLAMA_DRUGS_ERR_KIND    = -13, // unknown kind of angle or turn, or kinds that cannot be combined
    LLAMA_DRUGS_ERR_APART   = -14, // apart is negative, or cannot be combined with the other parameters
    LLAMA_DRUGS_ERR_COURSE  = -15, // the course is empty, its tokens are negative or not increasing, or a ratio is negative or not finite
    LLAMA_DRUGS_ERR_TRACE   = -16, // no such row or part of a trace, or the model does not have it (llama-trace.h)
};

// a point of a course; between two points, the ratio is interpolated linearly
struct llama_drugs_course_point {
    int32_t token; // counted from course_start, 0 or more
    float   ratio; // factor on all angles, 0 or more
};

struct llama_drugs_params {
    const float          * doses;   // F32 [LLAMA_DRUGS_SITE_COUNT, n_layer], largest angles in radians; the site varies fastest
    int32_t                n_layer;
    uint32_t               seed;    // the same seed gives the same noise, whatever the number of threads, the batch split or the backend
    int32_t                n_sink;  // positions 0 .. n_sink - 1 are never dosed
    enum llama_drugs_noise noise;

    int32_t start; // tokens before this position are sober, too, but the keys and values they cached are turned for dosed tokens

    // I32 [LLAMA_DRUGS_SITE_COUNT], for how many positions the angle and direction at a site stay the same: with n, positions n*i to
    // n*i + n - 1 share one draw. 0: all positions share one. NULL: 1 at every site, a new draw at each position
    const int32_t * hold;

    bool shared_layers; // all layers use the random numbers of layer 0

    enum llama_drugs_angle angle;
    enum llama_drugs_turn  turn;

    // n > 0: use direction n of a set of orthogonal directions that depends on the seed. In runs with different n, the directions
    // at the same place are orthogonal, before the component along each run's own vector is removed. A set has as many directions
    // as the row has elements; after those, another set begins. 0: any direction. Only with isotropic noise, and not with
    // elementwise turns or at K and V.
    int32_t apart;

    // [n_course], by increasing token: how all angles vary with the position; NULL: they do not. Position p has the ratio at token
    // p - course_start. Before the first point and after the last one, that point's ratio holds.
    const struct llama_drugs_course_point * course;
    int32_t                                 n_course;
    int32_t                                 course_start;
};

// Doses a sequence from its next token on. The table is copied.
// A token that belongs to several sequences is dosed only if all of them have the same dose.
LLAMA_API int32_t llama_drugs_set(struct llama_context * ctx, llama_seq_id seq_id, const struct llama_drugs_params * params);

// Gets the dose of a sequence. The pointers in out stay valid until the next llama_drugs_set() or llama_drugs_clear() on this context,
// for any sequence.
// Returns LLAMA_DRUGS_SOBER and leaves out unchanged if the sequence has no dose.
LLAMA_API int32_t llama_drugs_get(const struct llama_context * ctx, llama_seq_id seq_id, struct llama_drugs_params * out);

// Makes a sequence sober again. seq_id = -1: all sequences.
LLAMA_API int32_t llama_drugs_clear(struct llama_context * ctx, llama_seq_id seq_id);

// Makes batches with tokens of a sequence repeatable (seq_id = -1: of any sequence): the results for each token are bit for bit the same,
// whatever the other tokens in the batch, the number of threads, and the way a prompt is split into batches. Off by default, as in
// llama.cpp. Returns LLAMA_DRUGS_ERR_REPEATABLE if the context also computes on a device other than the CPU.
LLAMA_API int32_t llama_drugs_set_repeatable(struct llama_context * ctx, llama_seq_id seq_id, bool repeatable);

// Returns 1 if llama_drugs_set_repeatable() is possible, 0 if not, or LLAMA_DRUGS_ERR_POINTER.
LLAMA_API int32_t llama_drugs_can_repeat(const struct llama_context * ctx);

// Returns 1 if it is possible and costs a few percent of the time at most, given the types of the model's matrices, 0 if not, or
// LLAMA_DRUGS_ERR_POINTER. With other types, prompts can take several times as long.
LLAMA_API int32_t llama_drugs_repeats_cheaply(const struct llama_context * ctx);

// Returns 1 if a layer of this context's model has a site under a kind of noise, 0 if not, or a negative status.
// The first call builds a graph to find out, but computes nothing.
LLAMA_API int32_t llama_drugs_has_site(
        struct llama_context  * ctx,
        int32_t                 layer,
        enum llama_drugs_site   site,
        enum llama_drugs_noise  noise);

// Returns the number of rows of a dose table for this context, or LLAMA_DRUGS_ERR_POINTER.
LLAMA_API int32_t llama_drugs_n_layer(const struct llama_context * ctx);

// Returns "H", "Q", "K", "V", "A", "pK", "pV" or "M", and NULL for anything else.
LLAMA_API const char * llama_drugs_site_name(enum llama_drugs_site site);

// Returns a sentence that describes a code of enum llama_drugs_status.
LLAMA_API const char * llama_drugs_status_text(int32_t status);

#ifdef __cplusplus
}
#endif
