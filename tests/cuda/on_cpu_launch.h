// How a kernel is called from outside: its arguments come as addresses, their types go out as text.
#pragma once

namespace cuda_on_cpu {

struct Array {
    void* start;
    unsigned long long bytes;
    unsigned argument;
};

// Runs some blocks of a launch; nullptr, or what went wrong.
struct Launch {
    unsigned grid[3], block[3];
    unsigned long long dynamic_shared_bytes;
    unsigned first_block, block_stride;  // blocks first_block, first_block + block_stride, ...
    unsigned order_seed;                 // of the order in which threads run; 0: as they come
    char* stacks;                        // STACK_BYTES for each thread, aligned to 64 bytes
    const Array* arrays;                 // what the kernel may read and write
    unsigned n_arrays;
};
const char* launch(const Launch& launch, void (*body)(void**), void** arguments);

template <class T> struct Element;
#define ELEMENT(Type, text) \
    template <> struct Element<Type> { static constexpr const char* code = text; };
ELEMENT(bool, "?") ELEMENT(char, "i1") ELEMENT(signed char, "i1") ELEMENT(unsigned char, "u1")
ELEMENT(short, "i2") ELEMENT(unsigned short, "u2") ELEMENT(int, "i4") ELEMENT(unsigned, "u4")
ELEMENT(long, "i8") ELEMENT(unsigned long, "u8") ELEMENT(long long, "i8") ELEMENT(unsigned long long, "u8")
ELEMENT(float, "f4") ELEMENT(double, "f8")
ELEMENT(float2, "f4") ELEMENT(float3, "f4") ELEMENT(float4, "f4") ELEMENT(double2, "f8") ELEMENT(double4, "f8")
ELEMENT(int2, "i4") ELEMENT(int3, "i4") ELEMENT(int4, "i4") ELEMENT(uint2, "u4") ELEMENT(uint3, "u4") ELEMENT(uint4, "u4")
#undef ELEMENT

// "f4" a number, "*f4" an array, "&f4" an array that is only read (NumPy's codes).
template <class T> struct Parameter { static constexpr const char *kind = "", *code = Element<T>::code; };
template <class T> struct Parameter<T*> { static constexpr const char *kind = "*", *code = Element<T>::code; };
template <class T> struct Parameter<const T*> { static constexpr const char *kind = "&", *code = Element<T>::code; };

template <unsigned long... place> struct Places {};

template <auto kernel, class Signature> struct Kernel;
template <auto kernel, class... Arguments>
struct Kernel<kernel, void (*)(Arguments...)> {
    template <unsigned long... place>
    __attribute__((no_sanitize("thread")))  // arguments are no array of the kernel's
    static void unpack(void** arguments, Places<place...>) {
        kernel(*static_cast<Arguments*>(arguments[place])...);
    }
    static void call(void** arguments) { unpack(arguments, Places<__integer_pack(sizeof...(Arguments))...>()); }
    static const char* signature() {
        static char text[16 * sizeof...(Arguments) + 1];
        char* end = text;
        const auto append = [&end](const char* part) { while (*part) *end++ = *part++; };
        ((append(Parameter<Arguments>::kind), append(Parameter<Arguments>::code), append(" ")), ...);
        *end = 0;
        return text;
    }
};

}  // namespace cuda_on_cpu

#define EXPORT_KERNEL(name)                                                                                        \
    extern "C" __attribute__((visibility("default"))) const char* signature_of_##name() {                          \
        return cuda_on_cpu::Kernel<&name, decltype(&name)>::signature();                                           \
    }                                                                                                              \
    extern "C" __attribute__((visibility("default"))) const char* launch_##name(const cuda_on_cpu::Launch* launch, void** arguments) { \
        return cuda_on_cpu::launch(*launch, &cuda_on_cpu::Kernel<&name, decltype(&name)>::call, arguments);        \
    }
