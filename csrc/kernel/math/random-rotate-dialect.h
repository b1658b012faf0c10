// What differs between C++, CUDA (also HIP and MUSA), the Metal Shading Language and GLSL. The files that GLSL compiles too write casts
// like calls, name no struct with the word "struct", and have no pointers but those below.

#pragma once

#if defined(GL_core_profile)
#define RANDOM_ROTATE_INLINE
#define RANDOM_ROTATE_PRECISE                 precise    // computed as written
#define RANDOM_ROTATE_OUT(type)               out type   // a parameter that a function sets,
#define RANDOM_ROTATE_INOUT(type)             inout type // or changes
#define RANDOM_ROTATE_ARRAY(type, name, n)    inout type name[n]
#define RANDOM_ROTATE_IN_ARRAY(type, name, n) in type name[n]
#define RANDOM_ROTATE_DOSES                   int        // the tensor of doses: an index, because GLSL has no pointers,
#define RANDOM_ROTATE_DOSE(doses, i)          dose_data[(doses) + (i)]
#define RANDOM_ROTATE_TOKENS                  int        // and a token's parameters
#define RANDOM_ROTATE_TOKEN(token, i)         token_data[(token) + (i)]

#define int32_t  int
#define uint32_t uint

layout(binding = 0) readonly buffer dose_buffer  { float dose_data[]; };
layout(binding = 1) readonly buffer token_buffer { int   token_data[]; };
#else

#if defined(__METAL_VERSION__)
#define RANDOM_ROTATE_INLINE static inline
#define RANDOM_ROTATE_LOCAL  thread      // a pointer or reference to a variable of one thread,
#define RANDOM_ROTATE_SHARED threadgroup // to one that threads of a block share,
#define RANDOM_ROTATE_DEVICE device      // to a tensor's memory
#else
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__CUDACC__) || defined(GGML_USE_HIP) || defined(GGML_USE_MUSA)
#define RANDOM_ROTATE_INLINE static __host__ __device__ __forceinline__
#else
#define RANDOM_ROTATE_INLINE static inline
#endif
#define RANDOM_ROTATE_LOCAL
#define RANDOM_ROTATE_SHARED
#define RANDOM_ROTATE_DEVICE
#endif

#define RANDOM_ROTATE_PRECISE
#define RANDOM_ROTATE_OUT(type)               RANDOM_ROTATE_LOCAL type &
#define RANDOM_ROTATE_INOUT(type)             RANDOM_ROTATE_LOCAL type &
#define RANDOM_ROTATE_ARRAY(type, name, n)    RANDOM_ROTATE_LOCAL type * name
#define RANDOM_ROTATE_IN_ARRAY(type, name, n) RANDOM_ROTATE_LOCAL const type * name
#define RANDOM_ROTATE_DOSES                   RANDOM_ROTATE_DEVICE const float *
#define RANDOM_ROTATE_DOSE(doses, i)          (doses)[i]
#define RANDOM_ROTATE_TOKENS                  RANDOM_ROTATE_DEVICE const int32_t *
#define RANDOM_ROTATE_TOKEN(token, i)         (token)[i]
#endif

#if defined(GL_core_profile)

float random_rotate_sqrt    (float x) { return sqrt(x); }
float random_rotate_abs     (float x) { return abs(x); }
float random_rotate_as_float(uint x)  { return uintBitsToFloat(x); }
uint  random_rotate_as_bits (float x) { return floatBitsToUint(x); }

uint random_rotate_mul_hi(uint a, uint b) {
    uint high;
    uint low;
    umulExtended(a, b, high, low);
    return high;
}

#elif defined(__METAL_VERSION__)

RANDOM_ROTATE_INLINE float    random_rotate_sqrt    (float x)                { return metal::sqrt(x); }
RANDOM_ROTATE_INLINE float    random_rotate_abs     (float x)                { return metal::fabs(x); }
RANDOM_ROTATE_INLINE float    random_rotate_as_float(uint32_t x)             { return as_type<float>(x); }
RANDOM_ROTATE_INLINE uint32_t random_rotate_as_bits (float x)                { return as_type<uint32_t>(x); }
RANDOM_ROTATE_INLINE uint32_t random_rotate_mul_hi  (uint32_t a, uint32_t b) { return metal::mulhi(a, b); }

#else

RANDOM_ROTATE_INLINE float random_rotate_sqrt(float x) { return sqrtf(x); }
RANDOM_ROTATE_INLINE float random_rotate_abs (float x) { return fabsf(x); }

RANDOM_ROTATE_INLINE float random_rotate_as_float(uint32_t x) {
    float y;
    memcpy(&y, &x, sizeof(y));
    return y;
}

RANDOM_ROTATE_INLINE uint32_t random_rotate_as_bits(float x) {
    uint32_t y;
    memcpy(&y, &x, sizeof(y));
    return y;
}

// written like this, compilers recognise one vector operation
RANDOM_ROTATE_INLINE uint32_t random_rotate_mul_hi(uint32_t a, uint32_t b) {
    return (uint32_t) (((uint64_t) a * b) >> 32);
}

#endif
