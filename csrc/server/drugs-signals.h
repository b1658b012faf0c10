// Signals that end the server.

#pragma once

// Calls `handle` for SIGINT and SIGTERM, each in its own thread: it locks mutexes, which the interrupted thread may hold. The
// thread of an idle shower often does.
void drugs_handle_signals(void (* handle)(int));
