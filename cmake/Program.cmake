# The program `drugs`: upstream's unified program, with upstream's subcommands as libraries next to it. A second program,
# `drugs-rpc-server`, makes a computer's devices available to it.

# Sets `result` to the libraries that are needed only by the programs, and by llama-cpp-python for pictures and sound.
function(program_libraries result)
    set(found llama-common mtmd)
    foreach (command server cli completion bench batched-bench fit-params quantize perplexity)
        list(APPEND found llama-${command}-impl)
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

# If it is installed on the PATH, it looks for its libraries where pip puts packages: next to `bin` in a virtual
# environment, a user folder or a prefix, under Debian's and Fedora's names, and with `pip install --target`.
function(make_program target name)
    set(bin $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>)
    set(version python${Python_VERSION_MAJOR}.${Python_VERSION_MINOR})
    set(paths ${bin}/../drugs_cpp/lib)
    foreach (packages lib/${version}/site-packages lib/${version}/dist-packages lib64/${version}/site-packages)
        list(APPEND paths ${bin}/../${packages}/drugs_cpp/lib)
    endforeach()
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} INSTALL_RPATH "${paths}" EXCLUDE_FROM_ALL OFF)
endfunction()

# Windows finds a program's libraries only next to it: there the programs are, and those on the PATH start them.
function(install_launchers launcher)
    add_executable(drugs-launcher ${launcher})
    target_link_options(drugs-launcher PRIVATE $<$<NOT:$<C_COMPILER_ID:MSVC>>:-s>)
    foreach (target ${ARGN})
        get_target_property(name ${target} OUTPUT_NAME)
        install(PROGRAMS $<TARGET_FILE:drugs-launcher> DESTINATION ${SKBUILD_SCRIPTS_DIR} RENAME ${name}.exe)
    endforeach()
endfunction()

function(install_programs csrc)
    make_program(llama-app drugs)
    set(programs llama-app)
    if (TARGET ggml-rpc-server)
        make_program(ggml-rpc-server drugs-rpc-server)
        list(APPEND programs ggml-rpc-server)
    endif()
    if (NOT SKBUILD_SCRIPTS_DIR)
        set(SKBUILD_SCRIPTS_DIR bin)
    endif()
    set(folder ${SKBUILD_SCRIPTS_DIR})
    if (WIN32)
        install_launchers(${csrc}/launcher/drugs-launcher.c ${programs})
        set(folder drugs_cpp/lib)
    endif()
    install(TARGETS ${programs} RUNTIME DESTINATION ${folder})
endfunction()
