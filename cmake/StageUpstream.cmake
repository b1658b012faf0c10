# Brings llama.cpp into the build tree.

set(DRUGS_UPSTREAM "" CACHE STRING
    "llama-cpp-python's source (archive, or folder unpacked from it) or a llama.cpp tree; empty: the pinned one, through pip")

set(STAGE_UPSTREAM ${CMAKE_CURRENT_LIST_DIR}/stage_upstream.py)

# stage_upstream(FOLDER [PATCHES])  PATCHES: folder with the series to apply
function(stage_upstream folder)
    set(arguments --into ${folder})
    if (DRUGS_UPSTREAM)
        list(APPEND arguments --upstream ${DRUGS_UPSTREAM})
    endif()
    if (ARGC GREATER 1)
        list(APPEND arguments --patches ${ARGV1})
        file(GLOB patches CONFIGURE_DEPENDS ${ARGV1}/*.patch)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
            ${patches} ${ARGV1}/series ${ARGV1}/upstream.json ${STAGE_UPSTREAM})
    endif()
    execute_process(
        COMMAND ${Python_EXECUTABLE} ${STAGE_UPSTREAM} ${arguments}
        RESULT_VARIABLE status)
    if (status)
        message(FATAL_ERROR "llama.cpp could not be put into the build tree: the line above says why")
    endif()
endfunction()
