#include "llama-drugs-doses.h"

#include "repeatable.h"

#include "ggml.h"

// ops that sum in a different order for one token than for many
static bool depends_on_company(ggml_op op) {
    return op == GGML_OP_MUL_MAT || op == GGML_OP_MUL_MAT_ID || op == GGML_OP_FLASH_ATTN_EXT;
}

void llama_drugs_mark_repeatable(ggml_cgraph * gf, const llama_drugs_plan & plan) {
    if (!plan.repeatable) {
        return;
    }
    for (int i = 0; i < ggml_graph_n_nodes(gf); ++i) {
        ggml_tensor * node = ggml_graph_node(gf, i);
        if (depends_on_company(node->op)) {
            node->op_params[REPEATABLE_PARAM] = REPEATABLE_MARK;
        }
    }
}
