#include "ggml-random-rotate.h"

#include "ggml-impl.h"

static void check_doses(
        const struct ggml_tensor * doses,
        const struct ggml_tensor * tokens,
        int64_t                    n_tokens,
        int64_t                    n_head,
        int                        layer,
        int                        site) {
    GGML_ASSERT(doses->type == GGML_TYPE_F32 && ggml_is_contiguous(doses));
    GGML_ASSERT(site  >= 0 && site  < doses->ne[0] && site  < RANDOM_ROTATE_MAX_SITES);
    GGML_ASSERT(layer >= 0 && layer < doses->ne[1] && layer < RANDOM_ROTATE_MAX_LAYERS);
    GGML_ASSERT(tokens->type == GGML_TYPE_I32 && ggml_is_contiguous(tokens));
    GGML_ASSERT(tokens->ne[0] == GGML_RANDOM_ROTATE_TOKEN_SIZE && tokens->ne[1] == n_tokens);
    GGML_ASSERT(n_head <= RANDOM_ROTATE_MAX_HEADS);
}

static void check_cells(const struct ggml_tensor * cells, int64_t n_kv, int64_t n_stream) {
    GGML_ASSERT(cells->type == GGML_TYPE_I32 && ggml_is_contiguous(cells));
    GGML_ASSERT(cells->ne[0] == n_kv && cells->ne[1] == n_stream);
}

struct ggml_tensor * ggml_random_rotate(
        struct ggml_context * ctx,
        struct ggml_tensor  * x,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site) {
    GGML_ASSERT(x->type == GGML_TYPE_F32);
    GGML_ASSERT(x->ne[3] == 1);
    check_doses(doses, tokens, x->ne[2], x->ne[1], layer, site);

    if (x->nb[0] != sizeof(float)) {
        x = ggml_cont(ctx, x); // the kernels expect the numbers of a row to be contiguous
    }

    struct ggml_tensor * result = ggml_new_tensor(ctx, GGML_TYPE_F32, GGML_MAX_DIMS, x->ne);

    const int32_t params[] = { layer, site, -1 };
    ggml_set_op_params(result, params, sizeof(params));

    result->op     = GGML_OP_RANDOM_ROTATE;
    result->src[0] = x;
    result->src[1] = doses;
    result->src[2] = tokens;

    return result;
}

void ggml_random_rotate_only(struct ggml_tensor * rotated, int noise) {
    GGML_ASSERT(rotated->op == GGML_OP_RANDOM_ROTATE);
    ggml_set_op_params_i32(rotated, 2, noise);
}

void ggml_random_rotate_name_heads(struct ggml_tensor * rotated, struct ggml_tensor * heads) {
    GGML_ASSERT(rotated->op == GGML_OP_RANDOM_ROTATE);
    GGML_ASSERT(heads->type == GGML_TYPE_I32 && heads->ne[0] == rotated->ne[1] && heads->ne[1] == rotated->ne[2]);
    rotated->src[3] = heads;
}

struct ggml_tensor * ggml_random_rotate_scores(
        struct ggml_context * ctx,
        struct ggml_tensor  * q,
        struct ggml_tensor  * k,
        struct ggml_tensor  * mask,
        struct ggml_tensor  * cells,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site) {
    check_doses(doses, tokens, q->ne[1]*q->ne[3], q->ne[2], layer, site);
    check_cells(cells, k->ne[1], k->ne[3]);
    GGML_ASSERT(q->type == GGML_TYPE_F32 && q->nb[0] == sizeof(float));
    GGML_ASSERT(k->nb[0] == ggml_type_size(k->type));
    GGML_ASSERT(k->ne[0] == q->ne[0] && k->ne[3] == q->ne[3]);
    GGML_ASSERT(q->ne[2] % k->ne[2] == 0);
    GGML_ASSERT(!mask || mask->type == GGML_TYPE_F16 || mask->type == GGML_TYPE_F32);

    const int64_t ne[] = { k->ne[1], q->ne[1], q->ne[2], q->ne[3] };

    struct ggml_tensor * result = ggml_new_tensor(ctx, GGML_TYPE_F32, GGML_MAX_DIMS, ne);

    const int32_t params[] = { layer, site };
    ggml_set_op_params(result, params, sizeof(params));

    result->op     = GGML_OP_RANDOM_ROTATE_SCORES;
    result->src[0] = q;
    result->src[1] = k;
    result->src[2] = doses;
    result->src[3] = tokens;
    result->src[4] = cells;
    result->src[5] = mask;

    return result;
}

struct ggml_tensor * ggml_random_rotate_values(
        struct ggml_context * ctx,
        struct ggml_tensor  * p,
        struct ggml_tensor  * v,
        bool                  transposed,
        struct ggml_tensor  * cells,
        struct ggml_tensor  * doses,
        struct ggml_tensor  * tokens,
        int                   layer,
        int                   site) {
    check_doses(doses, tokens, p->ne[1]*p->ne[3], p->ne[2], layer, site);
    check_cells(cells, p->ne[0], p->ne[3]);
    GGML_ASSERT(p->type == GGML_TYPE_F32 && p->nb[0] == sizeof(float));
    GGML_ASSERT(v->nb[0] == ggml_type_size(v->type));
    GGML_ASSERT(!transposed || ggml_blck_size(v->type) == 1);
    GGML_ASSERT(v->ne[transposed ? 0 : 1] == p->ne[0] && v->ne[3] == p->ne[3]);
    GGML_ASSERT(p->ne[2] % v->ne[2] == 0);

    const int64_t ne[] = { v->ne[transposed ? 1 : 0], p->ne[1], p->ne[2], p->ne[3] };

    struct ggml_tensor * result = ggml_new_tensor(ctx, GGML_TYPE_F32, GGML_MAX_DIMS, ne);

    const int32_t params[] = { layer, site, transposed };
    ggml_set_op_params(result, params, sizeof(params));

    result->op     = GGML_OP_RANDOM_ROTATE_VALUES;
    result->src[0] = p;
    result->src[1] = v;
    result->src[2] = doses;
    result->src[3] = tokens;
    result->src[4] = cells;

    return result;
}
