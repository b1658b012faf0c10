#include "drugs-app.h"

#include "drugs-console.h"

#include "build-info.h"
#include "log.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

drugs_joined_args::drugs_joined_args(int & argc, char ** & argv) {
    for (int i = 0; i < argc; i++) {
        std::string option = argv[i];
        std::replace(option.begin(), option.end(), '_', '-');
        const bool repeatable = (option == "--dose" || option == "--dose-shape") && i + 1 < argc;
        const auto first = repeatable ? std::find(joined.begin(), joined.end(), option) : joined.end();
        if (!repeatable) {
            joined.push_back(argv[i]);
        } else if (first == joined.end()) {
            joined.insert(joined.end(), { option, argv[++i] });
        } else {
            *(first + 1) += std::string(",") + argv[++i];
        }
    }
    for (auto & argument : joined) {
        pointers.push_back(&argument[0]);
    }
    argc = (int) pointers.size();
    pointers.push_back(nullptr);
    argv = pointers.data();
}

static void write_log() {
    common_log_flush(common_log_main());
}

int drugs_run(int (*command)(int, char **), int argc, char ** argv) {
#ifndef _WIN32 // there, the log's thread has already ended
    std::atexit(write_log); // for commands that call exit()
#endif
    int status = 1;
    try {
        status = command(argc, argv);
    } catch (const std::exception & error) {
        drugs_print_error(error.what());
    }
    write_log();
    return status;
}

std::string drugs_version() {
    return std::string("drugs_cpp ") + DRUGS_VERSION + " (llama.cpp " + llama_commit() + ")";
}

int drugs_print_version() {
    printf("%s\n", drugs_version().c_str());
    return 0;
}
