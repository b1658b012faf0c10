// In which order attention adds up positions: in that of their cells in the cache.

#pragma once

#include "common.h"

// Where something may have to be computed repeatably, it gets a cache for each sequence, and
// one that keeps what a sliding window has left: in a cache that is shared, or used again and again, positions lie where
// there was room. If a server may choose, each slot gets as large a context as it could have had in a shared cache, as far as
// half of the free memory suffices. Where it is not possible, sets `params.drugs.not_repeatable`; exits with a message if
// --repeatable was given.
void drugs_choose_caches(common_params & params);
