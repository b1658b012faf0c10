// A plugin for qemu 7: counts the instructions that a program executes, and prints their number when it ends. Debian does not
// package the header, so what is used of it is declared here (QEMU's documentation, "QEMU TCG Plugins").

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qemu_plugin_tb;

enum { ADD_U64 = 0 }; // the only operation that qemu does by itself

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb * tb);
void   qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb * tb, int op, void * counter, uint64_t value);
void   qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (* callback)(uint64_t id, struct qemu_plugin_tb * tb));
void   qemu_plugin_register_atexit_cb(uint64_t id, void (* callback)(uint64_t id, void * data), void * data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t n_instructions;

static void count(uint64_t id, struct qemu_plugin_tb * tb) {
    (void) id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &n_instructions, qemu_plugin_tb_n_insns(tb));
}

static void print(uint64_t id, void * data) {
    (void) id;
    (void) data;
    fprintf(stderr, "instructions: %" PRIu64 "\n", n_instructions);
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void * info, int argc, char ** argv) {
    (void) info;
    (void) argc;
    (void) argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count);
    qemu_plugin_register_atexit_cb(id, print, NULL);
    return 0;
}
