#include "drugs-caches.h"

#include "drugs-console.h"

#include "fit.h"
#include "log.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

struct cache_size {
    uint32_t n_ctx_train;
    size_t   n_bytes; // per position
};

static size_t free_memory() {
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line); ) {
        size_t n_kib;
        if (sscanf(line.c_str(), "MemAvailable: %zu kB", &n_kib) == 1) {
            return n_kib * 1024;
        }
    }
    size_t free  = 0;
    size_t total = 0;
    ggml_backend_dev_memory(ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU), &free, &total);
    return free;
}

// Creates a context without memory. Throws std::runtime_error if the model cannot be loaded.
static cache_size measure(common_params params) {
    const llama_model_params   mparams = common_model_params_to_llama(params);
    const llama_context_params cparams = common_context_params_to_llama(params);
    std::vector<ggml_backend_dev_t> devices;
    cache_size size;
    uint32_t   n_gpu_layers;
    uint32_t   n_expert;
    size_t     n_bytes = 0;
    for (const auto & data : common_get_device_memory_data(params.model.path.c_str(), &mparams, &cparams, devices,
            n_gpu_layers, size.n_ctx_train, n_expert, GGML_LOG_LEVEL_ERROR)) {
        n_bytes += data.context;
    }
    size.n_bytes = n_bytes / std::max<size_t>(1, params.n_ctx ? params.n_ctx : size.n_ctx_train);
    return size;
}

static void check_devices(const common_params & params) {
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        const auto device  = ggml_backend_dev_get(i);
        const auto type    = ggml_backend_dev_type(device);
        const auto & named = params.devices;
        const bool left_out = type != GGML_BACKEND_DEVICE_TYPE_ACCEL && !named.empty() &&
            std::find(named.begin(), named.end(), device) == named.end();
        if (type != GGML_BACKEND_DEVICE_TYPE_CPU && !left_out) {
            throw std::invalid_argument(std::string(ggml_backend_dev_name(device)) +
                    " computes, and only the CPU can do so repeatably: --device none leaves it out");
        }
    }
}

static void separate(common_params & params, uint32_t n_ctx_train, size_t n_room) {
    const uint32_t n_slots = params.n_parallel;
    const uint32_t n_ctx   = params.n_ctx ? params.n_ctx : n_ctx_train;
    uint32_t n_one = std::min(n_ctx, n_ctx_train);
    if (params.kv_unified_per_slot > 0) {
        n_one = std::min(n_one, (uint32_t) params.kv_unified_per_slot);
    }
    const size_t n_wanted = (size_t) n_one * n_slots;
    params.drugs.may_separate = false;
    params.kv_unified = false;
    params.n_ctx      = (int32_t) std::max<size_t>(n_ctx, std::min(n_wanted, n_room));
    if ((size_t) params.n_ctx < n_wanted) {
        LOG_WRN("each slot has a context of %u tokens, for %u there is too little memory: -np 1 or --no-repeatable, with one "
                "cache for all slots, allow more\n", params.n_ctx / n_slots, n_one);
    }
}

static void choose_caches(common_params & params) {
    check_devices(params);
    if (params.kv_unified && params.n_parallel > 1 && !params.drugs.may_separate) {
        throw std::invalid_argument("the slots share a cache: leave out --kv-unified");
    }
    common_params full = params;
    full.swa_full = true;
    cache_size size;
    try {
        size = measure(full);
    } catch (const std::runtime_error &) {
        return; // the code that loads the model reports why
    }
    const size_t n_room   = free_memory() / 2 / std::max<size_t>(1, size.n_bytes);
    const size_t n_needed = params.n_ctx ? params.n_ctx : size.n_ctx_train;
    if (n_needed > n_room && !params.swa_full && measure(params).n_bytes < size.n_bytes) {
        throw std::invalid_argument("a cache of " + std::to_string(n_needed) + " tokens without a sliding window takes more than half "
                "of the free memory: give a smaller -c, or --swa-full");
    }
    params.swa_full = true;
    if (params.drugs.may_separate) {
        separate(params, size.n_ctx_train, n_room);
    }
}

void drugs_choose_caches(common_params & params) {
    drugs_params & drugs = params.drugs;
    if (!drugs.may_repeat) {
        return;
    }
    try {
        choose_caches(params);
    } catch (const std::invalid_argument & obstacle) {
        if (drugs.dosage.repeatable.value_or(false)) {
            drugs_print_error(std::string("--repeatable: ") + obstacle.what());
            exit(1);
        }
        LOG_INF("not repeatable: %s\n", obstacle.what());
        drugs.not_repeatable    = obstacle.what();
        drugs.dosage.repeatable = false;
    }
}
