#include "drugs-props.h"

#include "drugs-dosage-json.h"

#include "log.h"

#include <cmath>
#include <stdexcept>

using json = common_json;

bool drugs_load(drugs_params & params, llama_context * ctx) {
    params.sites = std::make_shared<const drugs_sites>(drugs_find_sites(ctx));
    try {
        params.sites->check(params.dosage);
    } catch (const std::invalid_argument & error) {
        LOG_ERR("error: %s\n", error.what());
        return false;
    }
    return true;
}

json drugs_props(const drugs_params & params) {
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
    };
}
