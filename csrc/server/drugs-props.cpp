#include "drugs-props.h"

#include "drugs-dosage-json.h"
#include "drugs-effect.h"

#include "log.h"

#include <cmath>
#include <stdexcept>

using json = common_json;

static void warn_without_template(const common_params & params, const llama_model * model) {
    if (params.chat_template.empty() && !llama_model_chat_template(model, nullptr)) {
        LOG_WRN("%s", "this model has no chat template: conversations are written down as ChatML, which it may not know, and it may "
                "answer with nothing or nonsense; continue a text with /v1/completions, or give --chat-template\n");
    }
}

bool drugs_load(common_params & params, llama_context * ctx) {
    warn_without_template(params, llama_get_model(ctx));
    drugs_params & drugs = params.drugs;
    drugs.sites = std::make_shared<const drugs_sites>(drugs_find_sites(ctx));
    try {
        drugs.sites->check(drugs.dosage);
    } catch (const std::invalid_argument & error) {
        LOG_ERR("error: %s\n", error.what());
        return false;
    }
    drugs_prefer_repeatable(ctx, drugs.dosage);
    const llama_model * model = llama_get_model(ctx);
    drugs.can_go_back = !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model);
    // drugs_choose_caches() requests it for every model
    params.swa_full = params.swa_full && llama_model_n_swa(llama_get_model(ctx)) > 0;
    drugs.keeps_all = params.swa_full;
    return true;
}

// "always", "dosed" or "never"
static const char * repeatable_name(const drugs_params & params) {
    const bool dosed = params.not_repeatable.empty() && params.dosage.repeatable.value_or(true);
    return params.repeats_everything() ? "always" : dosed ? "dosed" : "never";
}

// doses with angles for each named effect; those that the server does not allow are omitted
static json effects_of(const drugs_params & params) {
    json effects = json::object();
    for (const auto & effect : DRUGS_EFFECTS) {
        drugs_dosage dosage;
        dosage.set_effect(effect.name);
        try {
            params.effects->resolve(dosage);
            dosage.check(params.dose_max);
            params.sites->check(dosage);
        } catch (const std::invalid_argument &) {
            continue;
        }
        json doses = json::object();
        for (int site = 0; site < LLAMA_DRUGS_SITE_COUNT; site++) {
            if (dosage.thetas[site] > 0) {
                doses[llama_drugs_site_name((llama_drugs_site) site)] = dosage.thetas[site];
            }
        }
        effects[effect.name] = json { { "nats", effect.nats }, { "doses", doses }, { "source", dosage.source } };
    }
    return effects;
}

json drugs_props(const drugs_params & params, bool has_template) {
    json sites = json::object();
    for (const auto noise : { LLAMA_DRUGS_NOISE_ISOTROPIC, LLAMA_DRUGS_NOISE_REFERENCE }) {
        json names = json::array();
        for (int site = 0; params.sites && site < LLAMA_DRUGS_SITE_COUNT; site++) {
            if (params.sites->has_any((llama_drugs_site) site, noise)) {
                names.push_back(llama_drugs_site_name((llama_drugs_site) site));
            }
        }
        sites[drugs_noise_name(noise)] = names;
    }
    return json {
        { "dosage",   drugs_dosage_to_json(params.dosage) },
        { "dose_max", std::isfinite(params.dose_max) ? json(params.dose_max) : json(nullptr) },
        { "n_layer",  params.sites ? params.sites->n_layer : 0 },
        { "sites",    sites },
        { "effects",  params.effects && params.sites ? effects_of(params) : json::object() },
        { "has_chat_template", has_template },
        { "repeatable", repeatable_name(params) },
    };
}
