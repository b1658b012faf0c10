# Windows, compiled on Debian or Ubuntu (g++-mingw-w64-x86-64) and run with Wine (wine): `make check-windows`.

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
# "posix": std::thread and std::mutex exist
set(CMAKE_C_COMPILER   x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
# DRUGS_WINDOWS_CLANG: clang with GCC's libraries, which it does not find by itself in a folder called 12-posix. (zig's clang brings
# its own, but its linker exports the C library's functions from each DLL, and then refuses two DLLs with the same function.)
if (DRUGS_WINDOWS_CLANG)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-libgcc-file-name OUTPUT_VARIABLE file OUTPUT_STRIP_TRAILING_WHITESPACE)
    get_filename_component(gcc ${file} DIRECTORY)
    set(CMAKE_C_COMPILER   clang)
    set(CMAKE_CXX_COMPILER clang++)
    foreach (language C CXX)
        set(CMAKE_${language}_COMPILER_TARGET x86_64-w64-mingw32)
    endforeach()
    # -femulated-tls: as libstdc++ has its own variables of threads
    set(CMAKE_CXX_FLAGS_INIT "-isystem ${gcc}/include/c++ -isystem ${gcc}/include/c++/x86_64-w64-mingw32 -femulated-tls")
    foreach (kind EXE SHARED MODULE)
        set(CMAKE_${kind}_LINKER_FLAGS_INIT "-L${gcc} -B${gcc} -pthread")
    endforeach()
endif()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DRUGS_WINDOWS_CLANG)
set(CMAKE_RC_COMPILER  x86_64-w64-mingw32-windres)
set(CMAKE_C_FLAGS_INIT "-include ${CMAKE_CURRENT_LIST_DIR}/windows_headers.h")
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR wine)

set(GGML_NATIVE OFF CACHE BOOL "")
foreach (instructions AVX AVX2 FMA F16C BMI2)
    set(GGML_${instructions} ON CACHE BOOL "")
endforeach()
# Windows has neither.
set(GGML_OPENMP OFF CACHE BOOL "")
set(LLAMA_OPENSSL OFF CACHE BOOL "")

# DRUGS_WINDOWS_PYTHON: a folder with Windows' Python (tests/elsewhere/windows_python.py), of the version of the Python that builds
if (DRUGS_WINDOWS_PYTHON)
    file(GLOB found ${DRUGS_WINDOWS_PYTHON}/libpython3*.a)
    get_filename_component(name "${found}" NAME)
    string(REGEX MATCH "3[0-9]+" version "${name}")
    # FORCE: scikit-build-core has set them for the Python that runs it
    set(Python_LIBRARY ${found} CACHE FILEPATH "" FORCE)
    set(Python_INCLUDE_DIR ${DRUGS_WINDOWS_PYTHON}/include CACHE PATH "" FORCE)
    set(PYTHON_MODULE_EXTENSION .cp${version}-win_amd64.pyd CACHE STRING "" FORCE)
endif()
