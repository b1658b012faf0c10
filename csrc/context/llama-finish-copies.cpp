#include "llama-finish-copies.h"

#include "llama-context.h"

#include <exception>

bool llama_finish_copies(llama_context * ctx) {
    try {
        ctx->memory_update(/* optimize = */ false);
    } catch (const std::exception &) {
        return false;
    }
    return true;
}
