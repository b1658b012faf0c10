// What the server knows of doses once its model is loaded, and says of them.

#pragma once

#include "drugs-params.h"

#include "json.h"

// Looks up which sites the model has. false: it cannot be dosed as the server was started; an error is logged.
bool drugs_load(drugs_params & params, llama_context * ctx);

// the entry "drugs" of /props
common_json drugs_props(const drugs_params & params);
