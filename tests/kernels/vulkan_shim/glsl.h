// The parts of GLSL that the shaders use, for the CPU. A shader is the body of a struct, of which each thread has an object.

#pragma once

#include "../lockstep.h"

#include "random-rotate-shader.h"
#include "random-rotate-vulkan-args.h"

#include "ggml-impl.h"

#define RANDOM_ROTATE_SPECIALIZED(id, name)        static inline int32_t name
#define RANDOM_ROTATE_PUSHED(type)                 static inline type args
#define RANDOM_ROTATE_READ(binding, type, name)    static inline glsl::buffer<const type> name
#define RANDOM_ROTATE_WRITTEN(binding, type, name) static inline glsl::buffer<type> name
#define RANDOM_ROTATE_GROUP_SHARED(type, name, n)  static inline glsl::shared<type, (n)> name
#define RANDOM_ROTATE_PRIVATE(type, name, n)       type name[64] = {} /* as many as any shader needs */
#define RANDOM_ROTATE_DOSES_AT(i)                  (&dose_data[i])
#define RANDOM_ROTATE_TOKEN_AT(i)                  (&token_data[i])

#define gl_WorkGroupID          lockstep::running()->index
#define gl_LocalInvocationIndex lockstep::running()->current

namespace glsl {

[[noreturn]] static inline void outside(int64_t i, size_t n) {
    fprintf(stderr, "a shader uses number %lld of %zu\n", (long long) i, n);
    exit(1);
}

template <typename type>
struct buffer {
    type * data = nullptr;
    size_t n    = 0;

    type & operator[](int64_t i) const {
        if (i < 0 || (size_t) i >= n) {
            outside(i, n);
        }
        return data[i];
    }
};

// the bytes of all that threads share
static std::vector<std::pair<void *, size_t>> & all_shared() {
    static std::vector<std::pair<void *, size_t>> of;
    return of;
}

static inline void forget_shared() {
    for (const auto & [data, size] : all_shared()) {
        memset(data, 0xff, size); // NaN
    }
}

template <typename type, size_t n>
struct shared {
    type data[n];

    shared() { all_shared().push_back({ data, sizeof(data) }); }

    type & operator[](int64_t i) {
        if (i < 0 || (size_t) i >= n) {
            outside(i, n);
        }
        return data[i];
    }
};

struct half_pair {
    float x;
};

} // namespace glsl

static inline void barrier() { lockstep::barrier(); }

static inline void atomicOr(uint32_t & x, uint32_t bits) { x |= bits; }

static inline glsl::half_pair unpackHalf2x16(uint32_t bits) { return { ggml_compute_fp16_to_fp32((ggml_fp16_t) bits) }; }
