include(${CMAKE_CURRENT_LIST_DIR}/MetalSource.cmake)

# vulkan_headers(TARGET)  compiles with Vulkan's headers of Debian 12 too
function(vulkan_headers target)
    target_compile_options(${target} PRIVATE "SHELL:-include ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/vulkan_headers.h")
endfunction()

# vulkan_shader(SPIRV NAME KERNEL FLAG...)  compiles random-rotate-NAME.comp to a header, which defines the array
# RANDOM_ROTATE_NAME_SPIRV; SPIRV: set to the header's path
function(vulkan_shader spirv name kernel)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/vulkan/random-rotate-${name})
    flatten_source(text ${kernel}/vulkan/random-rotate-${name}.comp ${kernel}/vulkan ${kernel}/gpu ${kernel}/math)
    file(CONFIGURE OUTPUT ${made}.comp CONTENT "#version 450\n#extension GL_EXT_shader_16bit_storage : require\n${text}" @ONLY)
    string(TOUPPER ${name} upper)
    find_program(GLSLC glslc HINTS $ENV{VULKAN_SDK}/bin REQUIRED)
    add_custom_command(OUTPUT ${made}-spirv.h
        COMMAND ${GLSLC} -O ${ARGN} --target-env=vulkan1.2 -o ${made}.spv ${made}.comp
        COMMAND ${CMAKE_COMMAND} -DSPIRV=${made}.spv -DNAME=RANDOM_ROTATE_${upper}_SPIRV -DHEADER=${made}-spirv.h
            -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/spirv_header.cmake
        DEPENDS ${made}.comp ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/spirv_header.cmake VERBATIM)
    set(${spirv} ${made}-spirv.h PARENT_SCOPE)
endfunction()

# vulkan_shaders(TARGET KERNEL)  compiles the shaders in KERNEL/vulkan for TARGET
function(vulkan_shaders target kernel)
    set(headers)
    foreach (name rows scores values finish)
        vulkan_shader(header ${name} ${kernel})
        list(APPEND headers ${header})
    endforeach()
    # rules belong to a folder, and the target is upstream's
    add_custom_target(random-rotate-shaders DEPENDS ${headers})
    add_dependencies(${target} random-rotate-shaders)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/vulkan)
endfunction()
