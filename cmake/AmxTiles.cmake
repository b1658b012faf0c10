# AMX, the tiles with which Intel's server processors multiply matrices: switched off unless a test shows that it works. A
# virtual machine or a sandbox may refuse it, and a compiler may get it wrong; either would kill a program with a signal.
#
# This is decided once for the patched and the unpatched build, which must compute the same bits: with a product
# of our own, and not with upstream's code, which gcc 12 compiles to an illegal instruction. A patch fixes that,
# and so does a flag in tests/unpatched.
#
# On by default: a text is the same in any batch and with any number of threads, as it is without AMX. Prompts of SmolLM2
# take a quarter of the processor time that they take without it, and decoding three quarters.

include(Instructions)

option(DRUGS_AMX "Multiply with AMX tiles if a small product comes out right" ON)

# settle_amx()  call it after upstream was added
function(settle_amx)
    if (NOT GGML_NATIVE OR NOT TARGET ggml-cpu)
        return() # AMX is not in builds for other processors, unless it is requested by name
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
