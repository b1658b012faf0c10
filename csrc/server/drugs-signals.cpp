#include "drugs-signals.h"

#if defined(__unix__) || defined(__APPLE__)

#include <csignal>
#include <thread>

#include <unistd.h>

static int ends[2]; // of a pipe, because a signal handler may do little more than write to one

static void forward(int signal) {
    const unsigned char number = (unsigned char) signal;
    if (write(ends[1], &number, 1) < 0) {
        _exit(128 + signal);
    }
}

void drugs_handle_signals(void (* handle)(int)) {
    if (pipe(ends) != 0) {
        return; // signals end the process in the usual way
    }
    std::thread([handle]() {
        unsigned char number;
        while (read(ends[0], &number, 1) == 1) {
            std::thread(handle, number).detach();
        }
    }).detach();
    struct sigaction action = {};
    action.sa_handler = forward;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT,  &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

#endif
