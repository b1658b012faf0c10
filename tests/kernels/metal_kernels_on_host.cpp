// The text that Metal would compile, and its kernels by their host names.

#include "metal_host.h"
#include "on_host.h"

#include "metal_kernels.metal"

#include "arithmetic.h"

template <typename> struct taken;

// a kernel's parameters are taken in order: arguments, tensors, shared memory, positions
template <typename T> struct taken<T *>       { static T * from(metal_launch & l) { return (T *) l.pointer(); } };
template <typename T> struct taken<const T &> { static const T & from(metal_launch & l) { return *(const T *) l.bytes(sizeof(T)); } };
template <>           struct taken<uint3>     { static uint3 from(metal_launch & l) { return l.position(); } };

template <typename... parameters>
static metal_kernel by_order(void (* run)(parameters...)) {
    return [run](metal_launch l) {
        const std::tuple<parameters...> args{ taken<parameters>::from(l)... }; // braces: from left to right
        std::apply(run, args);
    };
}

metal_kernel metal_kernel_named(const std::string & name) {
#define KERNEL(named, function) if (name == named) { return by_order(function); }
#include "metal_kernels.inc"
#undef KERNEL
    return nullptr;
}

void metal_arithmetic(uint32_t i, arithmetic & a) {
    a = arithmetic_of(i);
}
