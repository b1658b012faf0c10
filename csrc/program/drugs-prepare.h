// What is decided once the model's path is known, and before the model is loaded.

#pragma once

#include "common.h"

// Gives a dose by its effect its angles, and chooses the caches; exits with a message where that is not possible.
void drugs_prepare(common_params & params);
