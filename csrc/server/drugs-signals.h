// Signals that end the server.

#pragma once

// Calls `handle` with SIGINT and SIGTERM, each in a thread of its own: it locks mutexes, and the thread that a signal interrupts may
// hold them. That of an idle shower often does.
void drugs_handle_signals(void (* handle)(int));
