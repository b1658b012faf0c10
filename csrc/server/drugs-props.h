// The sites and doses that the server reports in /props once its model is loaded.

#pragma once

#include "drugs-params.h"

#include "json.h"

// Finds the sites of the model. false: it cannot be dosed as the options of the server say; an error is logged.
bool drugs_load(drugs_params & params, llama_context * ctx);

// the entry "drugs" of /props
common_json drugs_props(const drugs_params & params);
