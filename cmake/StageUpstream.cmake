# Puts llama.cpp into the build tree and adds it to the build, and puts llama-cpp-python's Python files there.

include(AmxTiles)

set(DRUGS_UPSTREAM "" CACHE STRING
    "llama-cpp-python's source (archive, or folder unpacked from it) or a llama.cpp tree; empty: the pinned one, through pip")

set(STAGE_UPSTREAM ${CMAKE_CURRENT_LIST_DIR}/stage_upstream.py)
set(STAGE_BINDINGS ${CMAKE_CURRENT_LIST_DIR}/stage_bindings.py)
set(UPSTREAM_PIN ${CMAKE_CURRENT_LIST_DIR}/../patches/upstream.json)

# run_stage(SCRIPT ARGUMENTS...)  SCRIPT puts files of upstream's source into the build tree
function(run_stage script)
    set(arguments ${ARGN})
    if (DRUGS_UPSTREAM)
        list(APPEND arguments --upstream ${DRUGS_UPSTREAM})
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${UPSTREAM_PIN} ${script})
    execute_process(
        COMMAND ${Python_EXECUTABLE} ${script} ${arguments}
        RESULT_VARIABLE status)
    if (status)
        message(FATAL_ERROR "llama.cpp could not be put into the build tree: the line above says why")
    endif()
endfunction()

# stage_upstream(FOLDER [PATCHES])  PATCHES: folder with the series to apply
function(stage_upstream folder)
    set(arguments --into ${folder})
    if (ARGC GREATER 1)
        list(APPEND arguments --patches ${ARGV1})
        file(GLOB patches CONFIGURE_DEPENDS ${ARGV1}/*.patch)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
            ${patches} ${ARGV1}/series)
    endif()
    run_stage(${STAGE_UPSTREAM} ${arguments})
endfunction()

# stage_bindings(FOLDER)
function(stage_bindings folder)
    run_stage(${STAGE_BINDINGS} --into ${folder})
endfunction()

# add_upstream(FOLDER)  Upstream writes the commit it was built from into its libraries. It would use the commit of the
# repository around the build tree, and be compiled again after each commit, so it is given its own.
function(add_upstream folder)
    file(READ ${UPSTREAM_PIN} pin)
    string(JSON LLAMA_BUILD_COMMIT GET ${pin} llama_cpp_commit)
    set(LLAMA_BUILD_NUMBER 0)
    set(ENV{GIT_CEILING_DIRECTORIES} ${CMAKE_BINARY_DIR})
    add_subdirectory(${folder} ${CMAKE_BINARY_DIR}/upstream EXCLUDE_FROM_ALL)
    settle_amx()
endfunction()
