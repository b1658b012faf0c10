#include "llama-drugs.h"

#include "llama-drugs-doses.h"

#include "llama-context.h"
#include "llama-model.h"

#include <cmath>
#include <cstring>
#include <new>

// an RPC peer's handshake cannot tell whether it knows the op, and aborts if it does not; tensor parallelism splits
// heads between devices, which would then count them from zero each
static bool device_can_rotate(ggml_backend_dev_t dev) {
    if (strncmp(ggml_backend_dev_name(dev), "Meta(", 5) == 0) {
        return false;
    }
    ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(dev);
    return !reg || strcmp(ggml_backend_reg_name(reg), "RPC") != 0;
}

static int32_t check_params(const llama_context & ctx, const llama_drugs_params & params) {
    if (!params.doses) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    const int32_t n_layer = ctx.get_model().hparams.n_layer();
    if (params.n_layer != n_layer) {
        return LLAMA_DRUGS_ERR_LAYERS;
    }
    for (int32_t i = 0; i < n_layer*LLAMA_DRUGS_SITE_COUNT; ++i) {
        if (!std::isfinite(params.doses[i]) || params.doses[i] < 0.0f) {
            return LLAMA_DRUGS_ERR_ANGLE;
        }
    }
    if (params.n_sink < 0) {
        return LLAMA_DRUGS_ERR_SINK;
    }
    if (params.noise != LLAMA_DRUGS_NOISE_ISOTROPIC) {
        return LLAMA_DRUGS_ERR_NOISE;
    }
    for (const auto & device : ctx.get_model().devices) {
        if (!device_can_rotate(device.dev)) {
            return LLAMA_DRUGS_ERR_DEVICE;
        }
    }
    return LLAMA_DRUGS_OK;
}

static bool has_seq(const llama_context & ctx, llama_seq_id seq_id) {
    return seq_id >= 0 && (uint32_t) seq_id < ctx.n_seq_max();
}

int32_t llama_drugs_set(llama_context * ctx, llama_seq_id seq_id, const llama_drugs_params * params) {
    if (!ctx || !params) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (!has_seq(*ctx, seq_id)) {
        return LLAMA_DRUGS_ERR_SEQ;
    }
    const int32_t status = check_params(*ctx, *params);
    if (status != LLAMA_DRUGS_OK) {
        return status;
    }
    try {
        ctx->drugs.set(seq_id, *params);
    } catch (const std::bad_alloc &) {
        return LLAMA_DRUGS_ERR_MEMORY;
    }
    return LLAMA_DRUGS_OK;
}

int32_t llama_drugs_get(const llama_context * ctx, llama_seq_id seq_id, llama_drugs_params * out) {
    if (!ctx || !out) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (!has_seq(*ctx, seq_id)) {
        return LLAMA_DRUGS_ERR_SEQ;
    }
    const auto * dose = ctx->drugs.get(seq_id);
    if (!dose) {
        return LLAMA_DRUGS_SOBER;
    }
    out->doses   = dose->table.data();
    out->n_layer = (int32_t) dose->sites.size();
    out->seed    = dose->seed;
    out->n_sink  = dose->n_sink;
    out->noise   = dose->noise;
    return LLAMA_DRUGS_OK;
}

int32_t llama_drugs_clear(llama_context * ctx, llama_seq_id seq_id) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (seq_id == -1) {
        ctx->drugs.clear();
        return LLAMA_DRUGS_OK;
    }
    if (!has_seq(*ctx, seq_id)) {
        return LLAMA_DRUGS_ERR_SEQ;
    }
    ctx->drugs.clear(seq_id);
    return LLAMA_DRUGS_OK;
}

int32_t llama_drugs_n_layer(const llama_context * ctx) {
    return ctx ? (int32_t) ctx->get_model().hparams.n_layer() : (int32_t) LLAMA_DRUGS_ERR_POINTER;
}

const char * llama_drugs_site_name(llama_drugs_site site) {
    switch (site) {
        case LLAMA_DRUGS_SITE_H:     return "H";
        case LLAMA_DRUGS_SITE_Q:     return "Q";
        case LLAMA_DRUGS_SITE_A:     return "A";
        case LLAMA_DRUGS_SITE_PK:    return "pK";
        case LLAMA_DRUGS_SITE_PV:    return "pV";
        case LLAMA_DRUGS_SITE_COUNT: break;
    }
    return nullptr;
}

const char * llama_drugs_status_text(int32_t status) {
    switch (status) {
        case LLAMA_DRUGS_OK:          return "ok";
        case LLAMA_DRUGS_SOBER:       return "the sequence has no dose";
        case LLAMA_DRUGS_ERR_POINTER: return "a pointer is NULL";
        case LLAMA_DRUGS_ERR_SEQ:     return "the context has no such sequence: ids go from 0 to n_seq_max - 1";
        case LLAMA_DRUGS_ERR_LAYERS:  return "the dose table does not have one row per layer of the model";
        case LLAMA_DRUGS_ERR_ANGLE:   return "an angle is negative, infinite or not a number: angles are radians, zero or more";
        case LLAMA_DRUGS_ERR_SINK:    return "the number of sink positions is negative";
        case LLAMA_DRUGS_ERR_NOISE:   return "unknown kind of noise";
        case LLAMA_DRUGS_ERR_DEVICE:  return "the model runs on a device that cannot turn vectors (RPC or tensor parallelism)";
        case LLAMA_DRUGS_ERR_MEMORY:  return "out of memory";
    }
    return "unknown status";
}
