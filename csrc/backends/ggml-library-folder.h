// Where the libraries are. Backends that are loaded at run time are next to them, and so is the rest of the package.

#pragma once

#include "ggml-backend.h"

#ifdef __cplusplus
extern "C" {
#endif

// The folder of the library that contains this function, in UTF-8; NULL if the system does not know it. It stays valid.
GGML_BACKEND_API const char * ggml_library_folder(void);

// The number of backends. First, the one at the path GGML_BACKEND_PATH is loaded and, if there are none, all that lie next to the library.
GGML_BACKEND_API size_t ggml_backend_count_or_load(void);

#ifdef __cplusplus
}
#endif
