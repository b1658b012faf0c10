# ARM on Linux, compiled on another computer (Debian: g++-aarch64-linux-gnu) and run with qemu (qemu-user): `make check-arm`.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER   aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

set(GGML_NATIVE OFF CACHE BOOL "")
set(GGML_CPU_ARM_ARCH armv8.2-a+dotprod+fp16 CACHE STRING "What the processor has: dot products, 16-bit floats")
