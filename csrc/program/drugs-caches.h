// The order in which attention sums positions: the order of their cells in the cache.

#pragma once

#include "common.h"

// If something may have to be computed repeatably, each sequence gets its own cache, which also keeps what has left a sliding
// window: in a cache that is shared, or reused cell by cell, positions lie wherever there was room. If a server may choose, each
// slot gets as large a context as it could have had in a shared cache, as far as half of the free memory suffices. If this is not
// possible, sets `params.drugs.not_repeatable`; exits with a message if --repeatable was given.
void drugs_choose_caches(common_params & params);
