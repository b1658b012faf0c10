// What differs between C, C++, CUDA (also HIP and MUSA) and the Metal Shading Language.

#pragma once

#if defined(__METAL_VERSION__)
#define RANDOM_ROTATE_INLINE static inline
#define RANDOM_ROTATE_LOCAL  thread      // a pointer to a variable of one thread,
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

#if defined(__METAL_VERSION__)

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
