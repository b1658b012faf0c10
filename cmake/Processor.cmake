# Libraries that were built for a different processor than the one they run on report this before they use its instructions.

include(Instructions)

# check_processor(FOLDER)  adds the library drugs-processor, with which ggml-base refuses a processor that lacks an instruction
function(check_processor folder)
    set(names "")
    set(any)
    if (CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT MSVC AND NOT CMAKE_OSX_ARCHITECTURES MATCHES "arm64")
        set(any -march=x86-64)
        if (DRUGS_ZIG)
            set(any -march=x86_64) # zig's name for it
        endif()
        # With backends that are loaded at run time, ggml chooses among them itself.
        if (TARGET ggml-cpu AND NOT GGML_BACKEND_DL)
            instructions_of(names ggml-cpu)
        endif()
    endif()
    set(header ${CMAKE_BINARY_DIR}/processor/drugs-built-for.h)
    file(CONFIGURE OUTPUT ${header} CONTENT "#define DRUGS_BUILT_FOR \"${names}\"\n")

    add_library(drugs-processor SHARED EXCLUDE_FROM_ALL ${folder}/drugs-processor.c)
    target_compile_options(drugs-processor PRIVATE $<$<NOT:$<C_COMPILER_ID:MSVC>>:-Wall;-Wextra> ${any})
    target_include_directories(drugs-processor PUBLIC ${folder} PRIVATE ${CMAKE_BINARY_DIR}/processor)
    set_target_properties(drugs-processor PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

    join_upstream(ggml-base ${folder}/drugs-refuse-processor.c)
    set_property(SOURCE ${folder}/drugs-refuse-processor.c TARGET_DIRECTORY ggml-base APPEND PROPERTY COMPILE_OPTIONS ${any})
    target_link_libraries(ggml-base PRIVATE drugs-processor)
endfunction()
