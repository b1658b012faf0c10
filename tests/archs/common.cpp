// The few functions that upstream's test-llama-archs takes from its common library, which would take minutes to compile
// and needs a network library.

#include "common.h"
#include "log.h"

#include <cstdarg>
#include <cstdio>

void common_init() {}

void common_log_set_verbosity_thold(int) {}

int common_log_get_verbosity_thold() {
    return LOG_LEVEL_ERROR;
}

int common_log_get_verbosity(ggml_log_level level) {
    return level == GGML_LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG;
}

common_log * common_log_main() {
    return nullptr;
}

void common_log_flush(common_log *) {}

void common_log_add(common_log *, ggml_log_level level, const char * format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(level == GGML_LOG_LEVEL_ERROR ? stderr : stdout, format, arguments);
    va_end(arguments);
}

common_batch::common_batch(llama_context * ctx) : batch(llama_batch_ext_init(ctx)) {}

void common_batch::clear() {
    tokens.clear();
}

int32_t common_batch::add(llama_token id, llama_pos pos, llama_seq_id seq_id, bool output) {
    tokens.push_back({ id, { pos, 0, 0, 0 }, seq_id, output, { nullptr, 0, 0 }, {} });
    return size() - 1;
}

llama_batch_ext * common_batch::get_sub_batch(int32_t first, int32_t n) {
    llama_batch_ext_clear(batch.get());
    for (int32_t i = first; i < first + n; ++i) {
        const int32_t index = llama_batch_ext_add_token(batch.get(), tokens[i].seq_id, tokens[i].id);
        llama_batch_ext_set_pos(batch.get(), index, tokens[i].pos.data());
        llama_batch_ext_set_output_logits(batch.get(), index, tokens[i].output);
    }
    return batch.get();
}
