# The instructions that the compiler may use.

# instructions_of(RESULT TARGET)  the names of the instructions that the compiler may use in TARGET, as it defines them:
# "AVX2 FMA ...", among other names; empty if the compiler cannot print its macros
function(instructions_of result target)
    get_target_property(options ${target} COMPILE_OPTIONS)
    list(FILTER options INCLUDE REGEX "^-m")
    separate_arguments(first NATIVE_COMMAND "${CMAKE_CXX_COMPILER_ARG1}") # CXX="ccache g++": the compiler is an argument
    separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS}")
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${first} ${flags} ${options} -dM -E -x c++ -
        INPUT_FILE /dev/null OUTPUT_VARIABLE macros ERROR_QUIET)
    string(REGEX MATCHALL "#define __[A-Z0-9_]+__ 1\n" macros "${macros}")
    list(TRANSFORM macros REPLACE "#define __([A-Z0-9_]+)__ 1\n" "\\1")
    list(SORT macros)
    list(JOIN macros " " names)
    set(${result} "${names}" PARENT_SCOPE)
endfunction()
