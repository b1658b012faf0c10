# What Python imports: our module, and llama-cpp-python's Python files.

set(PYBIND11_FINDPYTHON ON)
find_package(Python 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
if (CMAKE_CROSSCOMPILING)
    # CMake adds what this system's Python is linked with.
    set_property(TARGET Python::Module PROPERTY INTERFACE_LINK_LIBRARIES "")
endif()
find_package(pybind11 2.12 CONFIG QUIET)
if (NOT pybind11_FOUND)
    message(FATAL_ERROR "  drugs_cpp: error: pybind11 was not found: build with `pip install .` or `make`, which install it, or "
        "without the module for Python (-DDRUGS_PYTHON=OFF)")
endif()

function(python_module csrc)
    file(GLOB bindings CONFIGURE_DEPENDS ${csrc}/bindings/*.cpp)
    file(GLOB engine CONFIGURE_DEPENDS ${csrc}/decoding/*.cpp ${csrc}/shower/*.cpp ${csrc}/uncertainty/*.cpp)
    foreach (name course dosage effect kinds messages profile)
        list(APPEND engine ${csrc}/doses/drugs-${name}.cpp)
    endforeach()
    list(APPEND engine ${csrc}/threads/default-threads.cpp)
    pybind11_add_module(_core NO_EXTRAS ${bindings} ${engine})
    # One file, because most of the time is spent on pybind11's headers: 20 s of CPU time instead of 50 s.
    set_target_properties(_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    set_source_files_properties(${engine} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    target_include_directories(_core PRIVATE ${csrc}/decoding ${csrc}/doses ${csrc}/shower ${csrc}/threads ${csrc}/uncertainty
        ${CMAKE_BINARY_DIR}/llama.cpp/src) # llama-ext.h
    exact_arithmetic(_core ${csrc})
    target_compile_features(_core PRIVATE cxx_std_17)
    target_compile_options(_core PRIVATE $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-Wall -Wextra>)
    target_link_libraries(_core PRIVATE llama ggml)
    set_target_properties(_core PROPERTIES INSTALL_RPATH $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>/lib)
    install(TARGETS _core LIBRARY DESTINATION drugs_cpp)

    # llama-cpp-python's files lie where an installed llama-cpp-python does not collide with them. With a line for Python's
    # start, `import llama_cpp` finds them, with these libraries, if there is none.
    stage_bindings(${CMAKE_BINARY_DIR}/llama_cpp_python)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/llama_cpp_python DESTINATION drugs_cpp)
    install(FILES cmake/drugs_cpp.pth DESTINATION .)
endfunction()
