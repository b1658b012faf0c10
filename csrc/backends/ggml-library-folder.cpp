#include "ggml-library-folder.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#if defined(_WIN32)
#    define WIN32_LEAN_AND_MEAN
#    ifndef NOMINMAX
#        define NOMINMAX
#    endif
#    include <windows.h>
#else
#    include <dlfcn.h>
#endif

namespace fs = std::filesystem;

#if defined(_WIN32)
static fs::path this_file() {
    HMODULE     module = nullptr;
    const DWORD how    = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(how, reinterpret_cast<LPCWSTR>(&ggml_library_folder), &module)) {
        return {};
    }
    std::wstring name(32768, L'\0'); // the longest path that Windows has
    name.resize(GetModuleFileNameW(module, name.data(), (DWORD) name.size()));
    return name;
}
#else
static fs::path this_file() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<const void *>(&ggml_library_folder), &info) || !info.dli_fname) {
        return {};
    }
    return info.dli_fname;
}
#endif

static std::string folder_of(const fs::path & file) {
    std::error_code error;
    return fs::weakly_canonical(file, error).parent_path().u8string();
}

const char * ggml_library_folder(void) {
    static const std::string folder = folder_of(this_file());
    return folder.empty() ? nullptr : folder.c_str();
}

size_t ggml_backend_count_or_load(void) {
    const char * path = std::getenv("GGML_BACKEND_PATH");
    if (ggml_backend_reg_count() == 0) {
        ggml_backend_load_all(); // among them the one at this path
    } else if (path) {
        ggml_backend_load(path); // registers a backend once
    }
    return ggml_backend_reg_count();
}
