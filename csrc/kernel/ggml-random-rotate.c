#include "ggml-random-rotate.h"

#include "ggml-impl.h"
#include "random-rotate-math.h"

struct ggml_tensor * ggml_random_rotate(
        struct ggml_context * ctx,
        struct ggml_tensor  * x,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site) {
    GGML_ASSERT(x->type == GGML_TYPE_F32);
    GGML_ASSERT(x->ne[3] == 1);
    GGML_ASSERT(x->ne[1] <= RANDOM_ROTATE_MAX_HEADS);
    GGML_ASSERT(doses->type == GGML_TYPE_F32 && ggml_is_contiguous(doses));
    GGML_ASSERT(site  >= 0 && site  < doses->ne[0] && site  < RANDOM_ROTATE_MAX_SITES);
    GGML_ASSERT(layer >= 0 && layer < doses->ne[1] && layer < RANDOM_ROTATE_MAX_LAYERS);
    GGML_ASSERT(tokens->type == GGML_TYPE_I32 && ggml_is_contiguous(tokens));
    GGML_ASSERT(tokens->ne[0] == GGML_RANDOM_ROTATE_TOKEN_SIZE && tokens->ne[1] == x->ne[2]);

    if (x->nb[0] != sizeof(float)) {
        x = ggml_cont(ctx, x); // the kernels step through a row one number at a time
    }

    struct ggml_tensor * result = ggml_new_tensor(ctx, GGML_TYPE_F32, GGML_MAX_DIMS, x->ne);

    const int32_t params[] = { layer, site };
    ggml_set_op_params(result, params, sizeof(params));

    result->op     = GGML_OP_RANDOM_ROTATE;
    result->src[0] = x;
    result->src[1] = doses;
    result->src[2] = tokens;

    return result;
}
