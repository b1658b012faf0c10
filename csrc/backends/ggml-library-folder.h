// Where the libraries are. Backends that are loaded at run time are next to them, and so is the rest of the package.

#pragma once

#include "ggml-backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// The folder of the library that contains this function, in UTF-8; NULL if the system does not know it. It stays valid.
GGML_BACKEND_API const char * ggml_library_folder(void);

// The number of backends. If there are none, those that can be loaded at run time are loaded first.
GGML_BACKEND_API size_t ggml_backend_count_or_load(void);

#ifdef __cplusplus
}
#endif
