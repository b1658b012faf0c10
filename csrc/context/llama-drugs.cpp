#include "llama-drugs.h"

#include "llama-drugs-doses.h"

#include "llama-context.h"
#include "llama-impl.h"
#include "llama-model.h"
#include "repeatable.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>

// Runs code that may throw, and returns its status: exceptions must not cross the C interface.
template <typename F>
static int32_t guarded(F && what) {
    try {
        return what();
    } catch (const std::bad_alloc &) {
        return LLAMA_DRUGS_ERR_MEMORY;
    } catch (const std::exception & error) {
        LLAMA_LOG_ERROR("doses: %s\n", error.what());
    } catch (...) {
        LLAMA_LOG_ERROR("doses: unknown exception\n");
    }
    return LLAMA_DRUGS_ERR_GRAPH;
}

// each device then has only some of the heads and counts them from zero
static bool heads_are_divided(const llama_context & ctx) {
    return ctx.get_model().split_mode() == LLAMA_SPLIT_MODE_TENSOR;
}

static bool is_noise(llama_drugs_noise noise) {
    return noise == LLAMA_DRUGS_NOISE_ISOTROPIC || noise == LLAMA_DRUGS_NOISE_REFERENCE;
}

// whether any of the given sites (as bits) is dosed
static bool doses_any(const llama_drugs_params & params, uint32_t sites) {
    for (int32_t i = 0; i < params.n_layer*LLAMA_DRUGS_SITE_COUNT; ++i) {
        if (params.doses[i] > 0.0f && (sites >> i % LLAMA_DRUGS_SITE_COUNT & 1)) {
            return true;
        }
    }
    return false;
}

static int32_t check_kinds(const llama_drugs_params & params) {
    if (params.angle < LLAMA_DRUGS_ANGLE_UNIFORM || params.angle > LLAMA_DRUGS_ANGLE_FIXED ||
            params.turn < LLAMA_DRUGS_TURN_ROTATION || params.turn > LLAMA_DRUGS_TURN_ELEMENTWISE) {
        return LLAMA_DRUGS_ERR_KIND;
    }
    const bool cached      = doses_any(params, LLAMA_DRUGS_CACHED_SITES);
    const bool reference   = params.noise == LLAMA_DRUGS_NOISE_REFERENCE;
    const bool elementwise = params.turn  == LLAMA_DRUGS_TURN_ELEMENTWISE;
    if (elementwise && (cached || reference || params.angle != LLAMA_DRUGS_ANGLE_UNIFORM)) {
        return LLAMA_DRUGS_ERR_KIND;
    }
    if (params.turn != LLAMA_DRUGS_TURN_ROTATION && cached && reference) {
        return LLAMA_DRUGS_ERR_KIND;
    }
    if (params.apart < 0 || (params.apart > 0 && (cached || reference || elementwise))) {
        return LLAMA_DRUGS_ERR_APART;
    }
    return LLAMA_DRUGS_OK;
}

static int32_t check_course(const llama_drugs_params & params) {
    if (!params.course) {
        return LLAMA_DRUGS_OK;
    }
    const float peak = *std::max_element(params.doses, params.doses + params.n_layer*LLAMA_DRUGS_SITE_COUNT);
    for (int32_t i = 0; i < params.n_course; ++i) {
        const auto & point = params.course[i];
        if (point.token < 0 || (i > 0 && point.token <= params.course[i - 1].token) || !(point.ratio >= 0.0f && std::isfinite(point.ratio))) {
            return LLAMA_DRUGS_ERR_COURSE;
        }
        if (!(peak*point.ratio <= LLAMA_DRUGS_MAX_ANGLE)) {
            return LLAMA_DRUGS_ERR_ANGLE;
        }
    }
    return params.n_course > 0 ? LLAMA_DRUGS_OK : LLAMA_DRUGS_ERR_COURSE;
}

static const llama_drugs_sites & sites_of(llama_context & ctx) {
    if (ctx.drugs.found.empty()) {
        ctx.drugs.found = ctx.find_drugs_sites();
    }
    return ctx.drugs.found;
}

static bool has_site(llama_context & ctx, int32_t layer, llama_drugs_site site, llama_drugs_noise noise) {
    return (sites_of(ctx)[layer] >> llama_drugs_hook_of(site, noise)) & 1;
}

// a dosed site must exist in at least one of the layers that dose it: hybrid models have layers without attention
static bool has_dosed_sites(llama_context & ctx, const llama_drugs_params & params) {
    for (int32_t site = 0; site < LLAMA_DRUGS_SITE_COUNT; ++site) {
        bool dosed = false;
        bool there = false;
        for (int32_t il = 0; il < params.n_layer; ++il) {
            if (params.doses[il*LLAMA_DRUGS_SITE_COUNT + site] > 0.0f) {
                dosed = true;
                there = there || has_site(ctx, il, (llama_drugs_site) site, params.noise);
            }
        }
        if (dosed && !there) {
            return false;
        }
    }
    return true;
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
        if (!(params.doses[i] >= 0.0f && params.doses[i] <= LLAMA_DRUGS_MAX_ANGLE)) {
            return LLAMA_DRUGS_ERR_ANGLE;
        }
    }
    if (params.n_sink < 0 || params.start < 0) {
        return LLAMA_DRUGS_ERR_SINK;
    }
    if (!is_noise(params.noise)) {
        return LLAMA_DRUGS_ERR_NOISE;
    }
    for (int32_t site = 0; params.hold && site < LLAMA_DRUGS_SITE_COUNT; ++site) {
        if (params.hold[site] < 0) {
            return LLAMA_DRUGS_ERR_HOLD;
        }
    }
    for (const int32_t status : { check_kinds(params), check_course(params) }) {
        if (status != LLAMA_DRUGS_OK) {
            return status;
        }
    }
    if (heads_are_divided(ctx)) {
        return LLAMA_DRUGS_ERR_DEVICE;
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
    return guarded([&]() -> int32_t {
        if (!has_dosed_sites(*ctx, *params)) {
            return LLAMA_DRUGS_ERR_SITE;
        }
        ctx->drugs.set(seq_id, *params);
        return LLAMA_DRUGS_OK;
    });
}

int32_t llama_drugs_has_site(llama_context * ctx, int32_t layer, llama_drugs_site site, llama_drugs_noise noise) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (layer < 0 || layer >= llama_drugs_n_layer(ctx)) {
        return LLAMA_DRUGS_ERR_LAYERS;
    }
    if (!llama_drugs_site_name(site)) {
        return LLAMA_DRUGS_ERR_SITE;
    }
    if (!is_noise(noise)) {
        return LLAMA_DRUGS_ERR_NOISE;
    }
    if (heads_are_divided(*ctx)) {
        return LLAMA_DRUGS_ERR_DEVICE;
    }
    return guarded([&]() -> int32_t { return has_site(*ctx, layer, site, noise); });
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
    out->start   = dose->start;
    out->noise   = dose->noise;
    out->hold    = dose->hold.data();
    out->shared_layers = dose->shared_layers;
    out->angle = dose->angle;
    out->turn  = dose->turn;
    out->apart = dose->apart;
    out->course       = dose->course.empty() ? nullptr : dose->course.data();
    out->n_course     = (int32_t) dose->course.size();
    out->course_start = dose->course_start;
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

// other devices use different kernels for one row and for many
static bool computes_on_cpu_alone(const llama_context & ctx) {
    ggml_backend_sched_t sched = ctx.get_sched();
    if (!sched) {
        return false; // a vocab-only model computes nothing
    }
    for (int i = 0; i < ggml_backend_sched_get_n_backends(sched); ++i) {
        ggml_backend_dev_t device = ggml_backend_get_device(ggml_backend_sched_get_backend(sched, i));
        if (ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_CPU) {
            return false;
        }
    }
    return true;
}

int32_t llama_drugs_can_repeat(const llama_context * ctx) {
    return ctx ? (int32_t) computes_on_cpu_alone(*ctx) : (int32_t) LLAMA_DRUGS_ERR_POINTER;
}

int32_t llama_drugs_repeats_cheaply(const llama_context * ctx) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    for (const auto & [name, tensor] : ctx->get_model().tensors_by_name) {
        if (ggml_n_dims(tensor) > 1 && !repeatable_costs_little(tensor->type)) {
            return 0;
        }
    }
    return computes_on_cpu_alone(*ctx);
}

int32_t llama_drugs_set_repeatable(llama_context * ctx, llama_seq_id seq_id, bool repeatable) {
    if (!ctx) {
        return LLAMA_DRUGS_ERR_POINTER;
    }
    if (seq_id != -1 && !has_seq(*ctx, seq_id)) {
        return LLAMA_DRUGS_ERR_SEQ;
    }
    if (repeatable && !computes_on_cpu_alone(*ctx)) {
        return LLAMA_DRUGS_ERR_REPEATABLE;
    }
    try {
        ctx->drugs.set_repeatable(seq_id, repeatable);
    } catch (const std::bad_alloc &) {
        return LLAMA_DRUGS_ERR_MEMORY;
    }
    return LLAMA_DRUGS_OK;
}

int32_t llama_drugs_n_layer(const llama_context * ctx) {
    return ctx ? (int32_t) ctx->get_model().hparams.n_layer() : (int32_t) LLAMA_DRUGS_ERR_POINTER;
}

const char * llama_drugs_site_name(llama_drugs_site site) {
    switch (site) {
        case LLAMA_DRUGS_SITE_H:     return "H";
        case LLAMA_DRUGS_SITE_Q:     return "Q";
        case LLAMA_DRUGS_SITE_K:     return "K";
        case LLAMA_DRUGS_SITE_V:     return "V";
        case LLAMA_DRUGS_SITE_A:     return "A";
        case LLAMA_DRUGS_SITE_PK:    return "pK";
        case LLAMA_DRUGS_SITE_PV:    return "pV";
        case LLAMA_DRUGS_SITE_M:     return "M";
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
        case LLAMA_DRUGS_ERR_ANGLE:   return "an angle is negative, above pi or not a number: angles are radians, 0 to pi, a half turn";
        case LLAMA_DRUGS_ERR_SINK:    return "the number of sink positions is negative, or the first dosed position";
        case LLAMA_DRUGS_ERR_NOISE:   return "unknown kind of noise";
        case LLAMA_DRUGS_ERR_HOLD:    return "a number of positions for which noise is held is negative";
        case LLAMA_DRUGS_ERR_KIND:    return "kinds of noise, angle and turn that are unknown or do not go together: elementwise goes with isotropic noise and uniform angles, not at K and V; K and V with reference noise take rotation alone";
        case LLAMA_DRUGS_ERR_APART:   return "apart is negative, or does not go with the rest: directions keep apart under isotropic noise alone, not elementwise, and not at K and V, which draw none";
        case LLAMA_DRUGS_ERR_COURSE:  return "a course needs points whose tokens grow from 0 or more, with ratios of 0 or more";
        case LLAMA_DRUGS_ERR_DEVICE:  return "the model's heads are divided between devices (split mode 'tensor'): load it with split mode 'layer'";
        case LLAMA_DRUGS_ERR_MEMORY:  return "out of memory";
        case LLAMA_DRUGS_ERR_REPEATABLE: return "a device other than the CPU computes, and only the CPU can do so repeatably";
        case LLAMA_DRUGS_ERR_SITE:    return "none of the layers that have a dose at a site has that site in this model";
        case LLAMA_DRUGS_ERR_TRACE:   return "no such row or part of a trace, or this model has none";
        case LLAMA_DRUGS_ERR_GRAPH:   return "llama.cpp could not build the model's graph";
    }
    return "unknown status";
}
