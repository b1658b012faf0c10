# How upstream is built, patched (../CMakeLists.txt) and unpatched (../tests/unpatched). All of its targets exist; only
# those that something depends on are built.

if (NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

foreach (part COMMON TOOLS SERVER APP)
    set(LLAMA_BUILD_${part} ON CACHE BOOL "" FORCE)
endforeach()
# The server has our page; upstream's would be downloaded.
foreach (part BUILD_TESTS BUILD_EXAMPLES BUILD_UI USE_PREBUILT_UI TOOLS_INSTALL)
    set(LLAMA_${part} OFF CACHE BOOL "" FORCE)
endforeach()
set(BUILD_SHARED_LIBS ON CACHE BOOL "" FORCE)

# As in upstream's released programs. RDMA would need a library that other computers do not have.
set(GGML_RPC ON CACHE BOOL "Let models be spread over computers")
set(GGML_RPC_RDMA OFF CACHE BOOL "Reach other computers through RDMA, too")

if (APPLE)
    set(GGML_METAL ON CACHE BOOL "Run on the GPU through Metal")
    set(GGML_METAL_EMBED_LIBRARY ON CACHE BOOL "Keep Metal's kernels inside the library, where they are always found")
endif()

# For a package that runs anywhere: with backends that are loaded at run time, one more is used only where there is a driver for it.
option(DRUGS_VULKAN_IF_FOUND "Also build the backend for Vulkan if its compiler and headers are here" OFF)
if (DRUGS_VULKAN_IF_FOUND)
    find_package(Vulkan QUIET COMPONENTS glslc)
    find_package(SPIRV-Headers CONFIG QUIET)
    if (Vulkan_FOUND AND SPIRV-Headers_FOUND)
        set(GGML_VULKAN ON CACHE BOOL "Run on GPUs through Vulkan")
    else()
        message(STATUS "drugs_cpp: the backend for Vulkan is left out: glslc, Vulkan's headers or SPIR-V's were not found")
    endif()
endif()

find_program(CCACHE ccache)
if (CCACHE)
    foreach (language C CXX CUDA)
        if (NOT CMAKE_${language}_COMPILER_LAUNCHER)
            set(CMAKE_${language}_COMPILER_LAUNCHER ${CCACHE})
        endif()
    endforeach()
endif()
