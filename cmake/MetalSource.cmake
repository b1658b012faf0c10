# Metal compiles kernels from source at run time, and does not find any headers.

# flatten_source(TEXT FILE FOLDER...)  FILE, with each of our headers from one of the folders inserted where it is first
# included
function(flatten_source text file)
    set(done)
    flatten_into(result done ${file} ${ARGN})
    set(${text} "${result}" PARENT_SCOPE)
endfunction()

function(flatten_into text done file)
    set(seen ${${done}})
    list(APPEND seen ${file})
    file(READ ${file} rest)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    string(REPLACE "#pragma once\n" "" rest "${rest}")

    set(result "")
    while (rest MATCHES "#include \"([^\"]+)\"\n")
        set(name ${CMAKE_MATCH_1})
        string(FIND "${rest}" "#include \"${name}\"\n" at)
        string(SUBSTRING "${rest}" 0 ${at} before)
        string(LENGTH "#include \"${name}\"\n" length)
        math(EXPR at "${at} + ${length}")
        string(SUBSTRING "${rest}" ${at} -1 rest)

        string(APPEND result "${before}")
        unset(header)
        find_file(header ${name} PATHS ${ARGN} NO_CACHE REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
        if (NOT ${header} IN_LIST seen)
            flatten_into(included seen ${header} ${ARGN})
            string(APPEND result "${included}")
        endif()
    endwhile()
    set(${text} "${result}${rest}" PARENT_SCOPE)
    set(${done} ${seen} PARENT_SCOPE)
endfunction()

# metal_source(HEADER FILE FOLDER...)  writes HEADER, which defines RANDOM_ROTATE_METAL_SOURCE, and the text of FILE next to it
# as HEADER.metal; the folders are those of the headers that FILE includes
function(metal_source header file)
    flatten_source(text ${file} ${ARGN})
    set(quiet "#if defined(__clang__)\n#pragma clang diagnostic ignored \"-Woverlength-strings\"\n#endif\n")
    file(CONFIGURE OUTPUT ${header}.metal CONTENT "${text}" @ONLY)
    file(CONFIGURE OUTPUT ${header} CONTENT "${quiet}static const char RANDOM_ROTATE_METAL_SOURCE[] = R\"metal(\n${text})metal\";\n" @ONLY)
endfunction()
