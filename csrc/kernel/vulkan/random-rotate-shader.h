// What the shaders need of GLSL. They are written such that C++ compiles them too, as the bodies of structs, to be run without a card
// (tests/kernels): variables outside functions belong to one thread.

#pragma once

#if defined(GL_core_profile)
#define RANDOM_ROTATE_SPECIALIZED(id, name)         layout(constant_id = id) const int name = 1 // set when a pipeline is made
#define RANDOM_ROTATE_PUSHED(type)                  layout(push_constant) uniform pushed { type args; }
#define RANDOM_ROTATE_READ(binding_, type, name)    layout(binding = binding_) readonly buffer name##_buffer { type name[]; }
#define RANDOM_ROTATE_WRITTEN(binding_, type, name) layout(binding = binding_) buffer name##_buffer { type name[]; }
#define RANDOM_ROTATE_GROUP_SHARED(type, name, n)   shared type name[n]
#define RANDOM_ROTATE_PRIVATE(type, name, n)        type name[n]
#define RANDOM_ROTATE_DOSES_AT(i)                   (i)
#define RANDOM_ROTATE_TOKEN_AT(i)                   (i)

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
#endif
