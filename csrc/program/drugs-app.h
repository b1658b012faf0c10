// What main() of the program calls.

#pragma once

#include <string>
#include <vector>

// --dose and --dose-shape can be repeated. Upstream keeps the last of an option, so this replaces the arguments, for its own
// lifetime, by some that have one of each, with its values separated by commas.
class drugs_joined_args {
public:
    drugs_joined_args(int & argc, char ** & argv);

private:
    std::vector<std::string> joined;
    std::vector<char *>      pointers;
};

// Runs a subcommand and returns the program's exit status. An exception that the subcommand does not catch is a message and the
// status 1. Waits until upstream's log, which has a thread of its own, has written everything, also where the subcommand calls
// exit() (but on Windows): the end would cut it off.
int drugs_run(int (*command)(int, char **), int argc, char ** argv);

// The versions of this package and of llama.cpp in one line.
std::string drugs_version();

// Prints the versions of this package and of llama.cpp in one line. Returns the exit status.
int drugs_print_version();
