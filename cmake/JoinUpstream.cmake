# Compiles our sources into upstream's targets, so that the patches need to carry no more than calls.

include(MetalSource)

# join_upstream(TARGET FILE...)
function(join_upstream target)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES
        SKIP_UNITY_BUILD_INCLUSION ON
        COMPILE_OPTIONS "$<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-Wall;-Wextra>")
    target_sources(${target} PRIVATE ${ARGN})
endfunction()

# join_cuda(TARGET FILE)  compiled as upstream compiles its own files for these cards: HIP and MUSA read the same ones
function(join_cuda target file)
    get_target_property(folder ${target} SOURCE_DIR)
    cmake_path(SET cuda NORMALIZE ${folder}/../ggml-cuda)
    foreach (property LANGUAGE COMPILE_FLAGS)
        get_source_file_property(value ${cuda}/fill.cu TARGET_DIRECTORY ${target} ${property})
        if (value)
            set_source_files_properties(${file} TARGET_DIRECTORY ${target} PROPERTIES ${property} "${value}")
        endif()
    endforeach()
    target_sources(${target} PRIVATE ${file})
    target_include_directories(${target} PRIVATE ${cuda})
endfunction()

function(join_all_upstream csrc)
    join_upstream(ggml-base ${csrc}/kernel/ggml-random-rotate.c)
    target_include_directories(ggml-base PUBLIC ${csrc}/kernel)

    # One target, or one for each kind of processor.
    foreach (target ${GGML_AVAILABLE_BACKENDS})
        if (TARGET ${target} AND target MATCHES "^ggml-cpu")
            file(GLOB kernels CONFIGURE_DEPENDS ${csrc}/kernel/*-cpu.cpp)
            join_upstream(${target} ${kernels})
            # Lets the kernels' loops become vectors; none of these changes a result.
            set_property(SOURCE ${kernels} TARGET_DIRECTORY ${target}
                APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-fno-math-errno;-fno-trapping-math;-fopenmp-simd>)
        endif()
    endforeach()

    foreach (target ggml-cuda ggml-hip ggml-musa)
        if (TARGET ${target})
            join_cuda(${target} ${csrc}/kernel/random-rotate-cuda.cu)
        endif()
    endforeach()

    if (TARGET ggml-metal)
        metal_source(${CMAKE_BINARY_DIR}/metal/random-rotate-metal-source.h ${csrc}/kernel/random-rotate.metal)
        join_upstream(ggml-metal ${csrc}/kernel/random-rotate-metal.cpp)
        target_include_directories(ggml-metal PRIVATE ${CMAKE_BINARY_DIR}/metal)
    endif()

    file(GLOB dosage CONFIGURE_DEPENDS ${csrc}/dosage/*.cpp)
    join_upstream(llama-common ${dosage})
    target_include_directories(llama-common PUBLIC ${csrc}/dosage)

    file(GLOB server CONFIGURE_DEPENDS ${csrc}/server/*.cpp)
    join_upstream(server-context ${server})
    target_include_directories(server-context PUBLIC ${csrc}/server)

    file(GLOB chat CONFIGURE_DEPENDS ${csrc}/chat/*.cpp)
    join_upstream(llama-cli-impl ${chat})
    target_include_directories(llama-cli-impl PRIVATE ${csrc}/chat)

    file(GLOB sources CONFIGURE_DEPENDS ${csrc}/dose/*.cpp ${csrc}/graph/*.cpp)
    join_upstream(llama ${sources})
    target_include_directories(llama PUBLIC ${csrc}/include PRIVATE ${csrc}/dose ${csrc}/graph)
endfunction()
