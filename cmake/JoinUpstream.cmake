# Compiles our sources into upstream's targets, so that the patches contain only the calls.

include(MetalSource)
include(PackageVersion)
include(Vulkan)

# join_upstream(TARGET FILE...)
function(join_upstream target)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES
        SKIP_UNITY_BUILD_INCLUSION ON
        COMPILE_OPTIONS "$<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-Wall;-Wextra>")
    target_sources(${target} PRIVATE ${ARGN})
endfunction()

# exact_arithmetic(TARGET CSRC)  no product is fused with a sum in the arithmetic of a dose table, so that Python, the programs
# and the page get the same bits on every processor
function(exact_arithmetic target csrc)
    file(GLOB doses CONFIGURE_DEPENDS ${csrc}/doses/*.cpp)
    set_property(SOURCE ${doses} TARGET_DIRECTORY ${target}
        APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-ffp-contract=off>)
endfunction()

# join_cuda(TARGET FILE)  compiled like upstream's own CUDA files: HIP and MUSA use the same ones
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

# team_without_openmp(TARGET CSRC)  the threads of csrc/threads compute where upstream's would spin, and be made for each graph
function(team_without_openmp target csrc)
    set(compute ${CMAKE_BINARY_DIR}/llama.cpp/ggml/src/ggml-cpu/ggml-cpu.c)
    set_property(SOURCE ${compute} TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_DEFINITIONS GGML_USE_OPENMP)
    set_property(SOURCE ${compute} TARGET_DIRECTORY ${target} APPEND PROPERTY INCLUDE_DIRECTORIES ${csrc}/threads/serial)
    set_property(SOURCE ${csrc}/threads/ggml-team.cpp TARGET_DIRECTORY ${target}
        APPEND PROPERTY COMPILE_DEFINITIONS GGML_TEAM_WITHOUT_OPENMP)
endfunction()

function(join_all_upstream csrc)
    join_upstream(ggml-base ${csrc}/kernel/op/ggml-random-rotate.c)
    target_include_directories(ggml-base PUBLIC ${csrc}/kernel/op ${csrc}/kernel/math)

    join_upstream(ggml ${csrc}/backends/ggml-library-folder.cpp)
    target_include_directories(ggml PUBLIC ${csrc}/backends)

    # One target, or one per kind of processor.
    foreach (target ${GGML_AVAILABLE_BACKENDS})
        if (TARGET ${target} AND target MATCHES "^ggml-cpu")
            file(GLOB kernels CONFIGURE_DEPENDS ${csrc}/kernel/cpu/*.cpp ${csrc}/matmul/*.cpp)
            join_upstream(${target} ${kernels})
            target_include_directories(${target} PRIVATE ${csrc}/kernel/cpu ${csrc}/matmul)
            # Lets the compiler vectorise the kernels' loops; none of these options changes a result.
            set_property(SOURCE ${kernels} TARGET_DIRECTORY ${target}
                APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-fno-math-errno;-fno-trapping-math;-fopenmp-simd>)
            join_upstream(${target} ${csrc}/threads/ggml-team.cpp ${csrc}/threads/waiting.cpp)
            target_include_directories(${target} PRIVATE ${csrc}/threads)
            if (WIN32)
                target_link_libraries(${target} PRIVATE synchronization)
            endif()
            if (CMAKE_SYSTEM_NAME MATCHES "Linux|Windows" AND NOT GGML_OPENMP_ENABLED)
                team_without_openmp(${target} ${csrc})
            endif()
        endif()
    endforeach()

    foreach (target ggml-cuda ggml-hip ggml-musa)
        if (TARGET ${target})
            join_cuda(${target} ${csrc}/kernel/gpu/random-rotate-cuda.cu)
            target_include_directories(${target} PRIVATE ${csrc}/kernel/gpu)
        endif()
    endforeach()

    if (TARGET ggml-metal)
        metal_source(${CMAKE_BINARY_DIR}/metal/random-rotate-metal-source.h ${csrc}/kernel/gpu/random-rotate.metal
            ${csrc}/kernel/gpu ${csrc}/kernel/math)
        join_upstream(ggml-metal ${csrc}/kernel/gpu/random-rotate-metal.cpp)
        target_include_directories(ggml-metal PRIVATE ${csrc}/kernel/gpu ${CMAKE_BINARY_DIR}/metal)
    endif()

    if (TARGET ggml-vulkan)
        vulkan_headers(ggml-vulkan)
        vulkan_shaders(ggml-vulkan ${csrc}/kernel)
        join_upstream(ggml-vulkan ${csrc}/kernel/vulkan/random-rotate-vulkan.cpp)
        target_include_directories(ggml-vulkan PRIVATE ${csrc}/kernel/vulkan ${csrc}/kernel/gpu ${CMAKE_BINARY_DIR}/llama.cpp/ggml/src/ggml-vulkan)
    endif()

    if (TARGET ggml-rpc)
        target_include_directories(ggml-rpc PRIVATE ${csrc}/kernel/rpc)
    endif()

    file(GLOB program CONFIGURE_DEPENDS ${csrc}/doses/*.cpp ${csrc}/input/drugs-*.cpp ${csrc}/shower/*.cpp ${csrc}/program/*.cpp)
    join_upstream(llama-common ${program} ${csrc}/threads/default-threads.cpp)
    target_include_directories(llama-common PUBLIC ${csrc}/doses ${csrc}/input ${csrc}/shower ${csrc}/program ${csrc}/threads)
    target_link_libraries(llama-common PRIVATE vendor::hash)
    exact_arithmetic(llama-common ${csrc})
    package_version(version)
    set_property(SOURCE ${csrc}/program/drugs-app.cpp TARGET_DIRECTORY llama-common
        APPEND PROPERTY COMPILE_DEFINITIONS DRUGS_VERSION="${version}")

    file(GLOB server CONFIGURE_DEPENDS ${csrc}/server/*.cpp ${csrc}/uncertainty/*.cpp)
    join_upstream(server-context ${server})
    target_include_directories(server-context PUBLIC ${csrc}/server ${csrc}/uncertainty)

    file(GLOB chat CONFIGURE_DEPENDS ${csrc}/chat/*.cpp)
    join_upstream(llama-cli-impl ${chat})
    target_include_directories(llama-cli-impl PRIVATE ${csrc}/chat)

    file(GLOB sources CONFIGURE_DEPENDS ${csrc}/context/*.cpp ${csrc}/graph/*.cpp ${csrc}/input/llama-*.cpp ${csrc}/trace/*.cpp)
    join_upstream(llama ${sources})
    target_include_directories(llama PUBLIC ${csrc}/include
        PRIVATE ${csrc}/context ${csrc}/graph ${csrc}/input ${csrc}/matmul ${csrc}/trace)
endfunction()
