#include "drugs-greedy.h"

bool drugs_has_sampler_option(const common_params_sampling & sampling) {
    const common_params_sampling plain;
    return sampling.user_sampling_config != 0 ||
        sampling.typ_p              != plain.typ_p              ||
        sampling.top_n_sigma        != plain.top_n_sigma        ||
        sampling.dynatemp_range     != plain.dynatemp_range     ||
        sampling.dynatemp_exponent  != plain.dynatemp_exponent  ||
        sampling.penalty_freq       != plain.penalty_freq       ||
        sampling.penalty_present    != plain.penalty_present    ||
        sampling.dry_multiplier     != plain.dry_multiplier     ||
        sampling.adaptive_target    != plain.adaptive_target;
}

void drugs_make_greedy(common_params_sampling & sampling) {
    sampling.samplers = { COMMON_SAMPLER_TYPE_TEMPERATURE };
    sampling.temp     = 0.0f;
    sampling.mirostat = 0;
    // marked as set by the user, because a model file may recommend others
    sampling.user_sampling_config |= COMMON_PARAMS_SAMPLING_CONFIG_SAMPLERS | COMMON_PARAMS_SAMPLING_CONFIG_TEMP |
            COMMON_PARAMS_SAMPLING_CONFIG_MIROSTAT;
}
