// The sites and doses that the server reports in /props once its model is loaded.

#pragma once

#include "common.h"

#include "json.h"

// Finds the sites of the model. Returns false if it cannot be dosed as the server's options say; an error is logged. Logs a warning
// for a model without a chat template.
bool drugs_load(common_params & params, llama_context * ctx);

// the entry "drugs" of /props; has_template: whether there is a chat template for the model
common_json drugs_props(const drugs_params & params, bool has_template);
