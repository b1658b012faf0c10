# AMX, the tiles in which Intel's server processors multiply matrices: left out wherever they were not seen to work. A virtual
# machine or a sandbox may refuse them, and a compiler may get them wrong; either would end a program with a signal.
#
# This is decided once for the patched and the unpatched build, which have to compute the same bits: by a product of our own,
# not by upstream's code, of which gcc 12 makes an illegal instruction. A patch mends that, and tests/unpatched a flag.
#
# On by default: a text is the same in any batch and with any number of threads, as without AMX, and prompts of SmolLM2 take
# a quarter of the processor's time, decoding three quarters.

include(Instructions)

option(DRUGS_AMX "Multiply with the tiles of AMX, where a small product comes out right" ON)

# settle_amx()  after upstream was added
function(settle_amx)
    if (NOT GGML_NATIVE OR NOT TARGET ggml-cpu)
        return() # AMX is in no build for other processors, unless it is asked for by name
    endif()
    instructions_of(names ggml-cpu)
    if (NOT names MATCHES "AMX_TILE")
        return()
    endif()
    if (DRUGS_AMX)
        try_run(DRUGS_AMX_STATUS compiled ${CMAKE_BINARY_DIR}/amx ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/amx_product.cpp
            COMPILE_DEFINITIONS -O3 -march=native
            LINK_OPTIONS -pthread)
        if (compiled AND DRUGS_AMX_STATUS EQUAL 0)
            return()
        endif()
        message(STATUS "drugs_cpp: AMX is left out: a small product did not come out right")
    endif()
    target_compile_options(ggml-cpu PRIVATE -mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endfunction()
