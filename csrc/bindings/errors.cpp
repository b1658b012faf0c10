#include "errors.h"

#include "llama-drugs.h"

#include <exception>

namespace py = pybind11;

static const char * class_name(error_kind kind) {
    switch (kind) {
        case error_kind::context_overflow: return "ContextOverflowError";
        case error_kind::dose:             return "DoseError";
        case error_kind::decode:           return "DecodeError";
        case error_kind::no_logits:        return "NoLogitsError";
        case error_kind::rpc_server:       return "RpcServerError";
        case error_kind::memory_limit:     return "MemoryLimitError";
        case error_kind::option:           return "OptionError";
        case error_kind::prompt:           return "PromptError";
        case error_kind::state:            return "StateError";
        case error_kind::token:            return "TokenError";
    }
    return "DrugsError";
}

void check_status(const std::string & what, int32_t status) {
    if (status < 0) {
        const auto kind =
            status == LLAMA_DRUGS_ERR_MEMORY  ? error_kind::memory_limit :
            status == LLAMA_DRUGS_ERR_POINTER ? error_kind::state        : error_kind::dose;
        throw drugs_error(kind, what + ": " + llama_drugs_status_text(status));
    }
}

void check_decoded(decoder_status status, int32_t n_failed) {
    if (status == DECODER_FAILED && n_failed == 1) {
        throw drugs_error(error_kind::context_overflow, "the context has no room for these tokens: shorten the text, or load the model with a larger n_ctx");
    }
    if (status == DECODER_FAILED) {
        throw drugs_error(error_kind::decode, "llama.cpp could not compute these tokens: llama_decode returned " + std::to_string(n_failed));
    }
}

// The module that defines the classes imports this one, so it is imported only when there is something to raise.
static void raise(const char * name, const std::exception & error) {
    py::set_error(py::module_::import("drugs_cpp.errors").attr(name), error.what());
}

void translate_errors() {
    py::register_local_exception_translator([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const drugs_error & error) {
            raise(class_name(error.kind), error);
        } catch (const std::invalid_argument & error) {
            raise("DoseError", error);
        } catch (const std::out_of_range & error) {
            raise("CountError", error);
        }
    });
}
