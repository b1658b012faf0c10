// Compiled into ggml-base, which is loaded before all libraries with code for one kind of processor.

#include "drugs-processor.h"

#if defined(__GNUC__)
#    include <stdio.h>
#    include <unistd.h>

__attribute__((constructor(101))) static void refuse_processor(void) {
    char message[1000];
    if (drugs_processor_refuses(message, sizeof(message))) {
        fprintf(stderr, "drugs_cpp: error: %s\n", message);
        _exit(1);
    }
}
#endif
