# Upstream's shared libraries, in a form that a wheel can carry.

# Sets `result` to upstream's library targets that exist in this build: what Python loads for text. Of the CPU backends for
# different processors, those with AMX are left out, because nothing tests AMX when they are loaded (AmxTiles.cmake).
function(upstream_libraries result)
    set(found)
    foreach (target ggml-base ggml ${GGML_AVAILABLE_BACKENDS} llama)
        if (TARGET ${target})
            get_target_property(options ${target} COMPILE_OPTIONS)
            if (NOT (GGML_CPU_ALL_VARIANTS AND options MATCHES "-mamx"))
                list(APPEND found ${target})
            endif()
        endif()
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
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
