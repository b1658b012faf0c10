// Called by main() of the program.

#pragma once

#include <cstdlib>
#include <string>
#include <vector>

// --dose and --dose-shape can be repeated. Upstream keeps only the last value of an option, so this object replaces the arguments,
// for its own lifetime, by ones in which each of the two options occurs once, with its values separated by commas. On Windows they
// become UTF-8.
class drugs_joined_args {
public:
    drugs_joined_args(int & argc, char ** & argv);

private:
    std::vector<std::string> joined;
    std::vector<char *>      pointers;
};

// Waits until upstream's log, which has its own thread, has written everything, and ends that thread.
void drugs_end_log();

// Runs a subcommand and returns the program's exit status. An exception that the subcommand does not catch becomes a message and
// status 1.
int drugs_run_command(int (*command)(int, char **), int argc, char ** argv);

// The same, and ends the log at the end of the process, also if the subcommand calls exit(). Otherwise the log could be cut off, and
// on Windows, which ends a process's threads wherever they are, the log's thread could keep a lock on which the process then waits
// for ever. Inline, because there the functions that a library gives to atexit() are called after that.
inline int drugs_run(int (*command)(int, char **), int argc, char ** argv) {
    std::atexit(drugs_end_log);
    return drugs_run_command(command, argc, argv);
}

// The versions of this package and of llama.cpp in one line.
std::string drugs_version();

// Prints the versions of this package and of llama.cpp in one line. Returns the exit status.
int drugs_print_version();
