// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernels (*.cu) need of CUDA, without any header of the toolkit. The kernels are written in what C and CUDA C share,
 * so that one text is compiled three ways: to PTX by clang (the build), by nvcc (a second opinion), and as plain C for a CPU,
 * where tests/fakegpu/emulate.c plays the GPU.
 */
#ifndef FV_KERNELS_DEVICE_H
#define FV_KERNELS_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__CUDA__) || defined(__CUDACC__)

#ifndef __NVCC__
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#endif
#define FV_KERNEL extern "C" __global__ void
#define FV_DEVICE static __device__ __attribute__((unused)) inline
#define FV_SHARED __shared__

#define FV_DEFINE_REGISTER(name, source)                                                           \
    FV_DEVICE uint32_t name(void)                                                                  \
    {                                                                                              \
        uint32_t value;                                                                            \
        asm("mov.u32 %0, %%" source ";" : "=r"(value));                                            \
        return value;                                                                              \
    }
FV_DEFINE_REGISTER(fv_thread_x, "tid.x")
FV_DEFINE_REGISTER(fv_thread_y, "tid.y")
FV_DEFINE_REGISTER(fv_threads_x, "ntid.x")
FV_DEFINE_REGISTER(fv_threads_y, "ntid.y")
FV_DEFINE_REGISTER(fv_block_x, "ctaid.x")
FV_DEFINE_REGISTER(fv_block_y, "ctaid.y")
FV_DEFINE_REGISTER(fv_block_z, "ctaid.z")

/* All threads of the block have come here; what they wrote before is visible to all. */
FV_DEVICE void fv_sync(void)
{
    __syncthreads();
}

/* Of memory in the block's shared or the global space; returns the old value. */
FV_DEVICE uint32_t fv_atomic_add(uint32_t *at, uint32_t value)
{
#ifdef __NVCC__
    return atomicAdd(at, value);
#else
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
#endif
}

FV_DEVICE void fv_atomic_or(uint32_t *at, uint32_t value)
{
#ifdef __NVCC__
    atomicOr(at, value);
#else
    (void)__atomic_fetch_or(at, value, __ATOMIC_RELAXED);
#endif
}

/* Reads of memory that nobody writes while the kernel runs, by its device address. */
#define FV_DEFINE_LOAD(name, type, operation, constraint)                                          \
    FV_DEVICE type name(uint64_t address)                                                          \
    {                                                                                              \
        type value;                                                                                \
        asm("ld.global.nc." operation " %0, [%1];" : constraint(value) : "l"(address));            \
        return value;                                                                              \
    }
FV_DEFINE_LOAD(fv_load_u8, uint32_t, "u8", "=r")
FV_DEFINE_LOAD(fv_load_u16, uint32_t, "u16", "=r")
FV_DEFINE_LOAD(fv_load_u32, uint32_t, "u32", "=r")
FV_DEFINE_LOAD(fv_load_f32, float, "f32", "=f")

FV_DEVICE float fv_float_of_half(uint32_t half)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"((uint16_t)half));
    return value;
}

FV_DEVICE uint16_t fv_half_of_float(float value) /* to the nearest, ties to even */
{
    uint16_t half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(value));
    return half;
}

FV_DEVICE float fv_float_of_bits(uint32_t bits)
{
    float value;
    asm("mov.b32 %0, %1;" : "=f"(value) : "r"(bits));
    return value;
}

FV_DEVICE uint32_t fv_bits_of_float(float value)
{
    uint32_t bits;
    asm("mov.b32 %0, %1;" : "=r"(bits) : "f"(value));
    return bits;
}

FV_DEVICE uint32_t fv_lowest_bit(uint32_t bits) /* number of the lowest bit that is set; not 0 */
{
    uint32_t reversed, number;
    asm("brev.b32 %0, %1;" : "=r"(reversed) : "r"(bits));
    asm("clz.b32 %0, %1;" : "=r"(number) : "r"(reversed));
    return number;
}

FV_DEVICE uint32_t fv_count_bits(uint32_t bits)
{
    uint32_t count;
    asm("popc.b32 %0, %1;" : "=r"(count) : "r"(bits));
    return count;
}

#else /* plain C */

#include "kernels/half.h"

#define FV_KERNEL static void
#define FV_DEVICE static inline __attribute__((unused))
#define FV_SHARED static /* one block runs at a time */

/* Where the calling thread stands, and how it meets the others of its block. */
struct fv_emulated_thread {
    uint32_t thread_x, thread_y, threads_x, threads_y, block_x, block_y, block_z;
    void (*sync)(void);
};
extern _Thread_local struct fv_emulated_thread fv_emulated;

#define FV_DEFINE_REGISTER(name)                                                                   \
    FV_DEVICE uint32_t fv_##name(void)                                                             \
    {                                                                                              \
        return fv_emulated.name;                                                                   \
    }
FV_DEFINE_REGISTER(thread_x)
FV_DEFINE_REGISTER(thread_y)
FV_DEFINE_REGISTER(threads_x)
FV_DEFINE_REGISTER(threads_y)
FV_DEFINE_REGISTER(block_x)
FV_DEFINE_REGISTER(block_y)
FV_DEFINE_REGISTER(block_z)

FV_DEVICE void fv_sync(void)
{
    fv_emulated.sync();
}

FV_DEVICE uint32_t fv_atomic_add(uint32_t *at, uint32_t value)
{
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}

FV_DEVICE void fv_atomic_or(uint32_t *at, uint32_t value)
{
    (void)__atomic_fetch_or(at, value, __ATOMIC_RELAXED);
}

#define FV_DEFINE_LOAD(name, type, stored)                                                         \
    FV_DEVICE type name(uint64_t address)                                                          \
    {                                                                                              \
        return *(const stored *)(uintptr_t)address;                                                \
    }
FV_DEFINE_LOAD(fv_load_u8, uint32_t, uint8_t)
FV_DEFINE_LOAD(fv_load_u16, uint32_t, uint16_t)
FV_DEFINE_LOAD(fv_load_u32, uint32_t, uint32_t)
FV_DEFINE_LOAD(fv_load_f32, float, float)

FV_DEVICE uint32_t fv_lowest_bit(uint32_t bits)
{
    return (uint32_t)__builtin_ctz(bits);
}

FV_DEVICE uint32_t fv_count_bits(uint32_t bits)
{
    return (uint32_t)__builtin_popcount(bits);
}

#endif

#endif
