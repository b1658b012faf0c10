// Decisions that are made after the model's path is known and before the model is loaded.

#pragma once

#include "common.h"

// Sets the angles of a dose that is given by its effect, and chooses the caches; exits with a message if that is not possible.
void drugs_prepare(common_params & params);
