# Reports in one line what is missing, before CMake reports it in many.

include(CheckLanguage)
foreach (language C CXX)
    check_language(${language})
    if (NOT CMAKE_${language}_COMPILER)
        message(FATAL_ERROR "  drugs_cpp: error: no working C and C++ compiler was found: install one "
            "(Debian and Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)")
    endif()
    enable_language(${language})
endforeach()
# Its users would see hundreds of errors.
if (CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")
    message(FATAL_ERROR "  drugs_cpp: error: Microsoft's compiler lacks the vector types that the kernels use: build with GCC "
        "from MinGW-w64 (set CC=gcc, CXX=g++ and CMAKE_GENERATOR=Ninja)")
endif()
