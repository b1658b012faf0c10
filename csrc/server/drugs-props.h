// The sites and doses that the server reports in /props once its model is loaded.

#pragma once

#include "common.h"

#include "json.h"

// Finds the sites of the model. false: it cannot be dosed as the options of the server say; an error is logged. A model without a
// chat template gets a warning.
bool drugs_load(common_params & params, llama_context * ctx);

// the entry "drugs" of /props; has_template: something says how a conversation is written down for the model
common_json drugs_props(const drugs_params & params, bool has_template);
