# Upstream's shared libraries, in a form that a wheel can carry.

# Sets `result` to upstream's library targets that exist in this build: what Python loads for text. Of the CPU backends for
# different processors, those with AMX are left out, because nothing tests AMX when they are loaded (AmxTiles.cmake).
function(upstream_libraries result)
    set(found)
    foreach (target ggml-base ggml ${GGML_AVAILABLE_BACKENDS} llama)
        if (TARGET ${target})
            get_target_property(options ${target} COMPILE_OPTIONS)
            if (GGML_CPU_ALL_VARIANTS AND options MATCHES "-mamx")
                leave_empty(${target})
            else()
                list(APPEND found ${target})
            endif()
        endif()
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

# Upstream's build depends on the target, but its code need not be compiled.
function(leave_empty target)
    set(nothing ${CMAKE_BINARY_DIR}/nothing.cpp)
    file(TOUCH ${nothing})
    set_property(TARGET ${target} PROPERTY SOURCES ${nothing})
endfunction()

# Plain file names (a wheel cannot contain the links that versions need), next to each other.
function(make_relocatable)
    set(here $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>)
    foreach (target ${ARGN})
        set_property(TARGET ${target} PROPERTY VERSION)
        set_property(TARGET ${target} PROPERTY SOVERSION)
        set_property(TARGET ${target} PROPERTY PUBLIC_HEADER)
        set_target_properties(${target} PROPERTIES INSTALL_RPATH "${here}" BUILD_WITH_INSTALL_RPATH ON)
    endforeach()
endfunction()

# MinGW's own shared libraries, which no Windows has, next to those that need them.
function(install_compiler_libraries folder)
    get_filename_component(compiler ${CMAKE_CXX_COMPILER} DIRECTORY)
    foreach (name libstdc++-6.dll libgcc_s_seh-1.dll libwinpthread-1.dll)
        execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE file OUTPUT_STRIP_TRAILING_WHITESPACE)
        get_filename_component(place "${file}" DIRECTORY)
        find_file(found_${name} ${name} PATHS "${place}" ${compiler} REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
        execute_process(COMMAND ${CMAKE_STRIP} -o ${CMAKE_BINARY_DIR}/${name} ${found_${name}} COMMAND_ERROR_IS_FATAL ANY)
        install(FILES ${CMAKE_BINARY_DIR}/${name} DESTINATION ${folder})
    endforeach()
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/LICENSE-mingw.txt DESTINATION ${folder})
endfunction()
