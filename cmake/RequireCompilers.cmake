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
