#include "drugs-app.h"

#include "drugs-console.h"

#include "build-info.h"
#include "log.h"

#include <algorithm>
#include <cstdio>
#include <exception>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#include <shellapi.h>

static std::string to_utf8(const wchar_t * text) {
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string result(size > 0 ? size : 1, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, -1, &result[0], size, nullptr, nullptr);
    result.pop_back(); // the zero at its end
    return result;
}

// The arguments of the process in UTF-8: main's have lost the characters that the system's own encoding lacks.
static std::vector<std::string> arguments_of(int argc, char ** argv) {
    int n_wide = 0;
    wchar_t ** wide = CommandLineToArgvW(GetCommandLineW(), &n_wide);
    if (!wide) {
        return { argv, argv + argc };
    }
    std::vector<std::string> result(n_wide);
    std::transform(wide, wide + n_wide, result.begin(), to_utf8);
    LocalFree(wide);
    return result;
}
#else
static std::vector<std::string> arguments_of(int argc, char ** argv) {
    return { argv, argv + argc };
}
#endif

drugs_joined_args::drugs_joined_args(int & argc, char ** & argv) {
    const std::vector<std::string> given = arguments_of(argc, argv);
    for (size_t i = 0; i < given.size(); i++) {
        std::string option = given[i];
        std::replace(option.begin(), option.end(), '_', '-');
        const bool repeatable = (option == "--dose" || option == "--dose-shape") && i + 1 < given.size();
        const auto first = repeatable ? std::find(joined.begin(), joined.end(), option) : joined.end();
        if (!repeatable) {
            joined.push_back(given[i]);
        } else if (first == joined.end()) {
            joined.insert(joined.end(), { option, given[++i] });
        } else {
            *(first + 1) += "," + given[++i];
        }
    }
    for (auto & argument : joined) {
        pointers.push_back(&argument[0]);
    }
    argc = (int) pointers.size();
    pointers.push_back(nullptr);
    argv = pointers.data();
}

void drugs_end_log() {
    common_log_pause(common_log_main());
}

int drugs_run_command(int (*command)(int, char **), int argc, char ** argv) {
    try {
        return command(argc, argv);
    } catch (const std::exception & error) {
        drugs_print_error(error.what());
        return 1;
    }
}

std::string drugs_version() {
    return std::string("drugs_cpp ") + DRUGS_VERSION + " (llama.cpp " + llama_commit() + ")";
}

int drugs_print_version() {
    printf("%s\n", drugs_version().c_str());
    return 0;
}
