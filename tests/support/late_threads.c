// Loaded before a program (LD_PRELOAD), lets each of its threads begin late, as on a busy machine.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct beginning {
    void * (*function)(void *);
    void * argument;
};

static void * begin_late(void * data) {
    const struct beginning beginning = *(struct beginning *) data;
    free(data);
    usleep(300*1000);
    return beginning.function(beginning.argument);
}

int pthread_create(pthread_t * thread, const pthread_attr_t * attributes, void * (*function)(void *), void * argument) {
    int (*create)(pthread_t *, const pthread_attr_t *, void * (*)(void *), void *);
    *(void **) &create = dlsym(RTLD_NEXT, "pthread_create");
    struct beginning * beginning = malloc(sizeof(*beginning));
    beginning->function = function;
    beginning->argument = argument;
    return create(thread, attributes, begin_late, beginning);
}
