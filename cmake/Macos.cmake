# macOS, compiled with zig (PyPI's ziglang) to check the sources; nothing is run: `make check-macos`. Apple's frameworks are not
# in zig, and so nor is Metal.

set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR ${DRUGS_MACOS_PROCESSOR}) # arm64 or x86_64
string(REPLACE arm64 aarch64 target ${CMAKE_SYSTEM_PROCESSOR}-macos.13.0)
set(CMAKE_C_COMPILER   ${DRUGS_ZIG} cc  -target ${target})
set(CMAKE_CXX_COMPILER ${DRUGS_ZIG} c++ -target ${target})
foreach (language C CXX)
    set(CMAKE_${language}_ARCHIVE_CREATE "${DRUGS_ZIG} ar qcs <TARGET> <LINK_FLAGS> <OBJECTS>")
    set(CMAKE_${language}_ARCHIVE_FINISH "")
endforeach()
set(CMAKE_INSTALL_NAME_TOOL true) # nothing is installed
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DRUGS_MACOS_PROCESSOR DRUGS_ZIG)
set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
set(CMAKE_OSX_DEPLOYMENT_TARGET 13.0 CACHE STRING "")

set(GGML_NATIVE OFF CACHE BOOL "")
set(GGML_OPENMP OFF CACHE BOOL "")
foreach (framework ACCELERATE METAL BLAS)
    set(GGML_${framework} OFF CACHE BOOL "")
endforeach()
set(LLAMA_OPENSSL OFF CACHE BOOL "")
