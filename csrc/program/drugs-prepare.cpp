#include "drugs-prepare.h"

#include "drugs-caches.h"
#include "drugs-console.h"

#include "log.h"

#include <cstdlib>
#include <stdexcept>

static void resolve_effect(drugs_params & params, const std::string & model_path) {
    params.effects = std::make_shared<drugs_known_effects>(model_path);
    params.effects->resolve(params.dosage);
    params.dosage.check(params.dose_max);
    if (params.dosage.source == DRUGS_ESTIMATED) {
        LOG_WRN("the dose's angles are estimated: `drugs-lab titrate -m %s` measures them\n", model_path.c_str());
    }
}

void drugs_prepare(common_params & params) {
    try {
        resolve_effect(params.drugs, params.model.path);
    } catch (const std::invalid_argument & error) {
        drugs_print_error(error.what());
        exit(1);
    }
    drugs_choose_caches(params);
}
