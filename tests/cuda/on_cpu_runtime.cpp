// Runs the threads of a block as fibers: each goes on until it waits for others, then the next one that is ready.
#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "on_cpu.h"
#include "on_cpu_launch.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

// The linker's names for the ends of the section of static shared variables; null where a kernel has none.
extern "C" char __start_cuda_shared[] __attribute__((weak));
extern "C" char __stop_cuda_shared[] __attribute__((weak));

namespace cuda_on_cpu {

void* dynamic_shared;

namespace {

constexpr unsigned MAX_THREADS = 1024, LANES = 32, WARPS = MAX_THREADS / LANES;
constexpr size_t CANARY = 1024;             // bytes before and behind dynamic shared memory that must not change
constexpr size_t MAX_SHARED = 256 * 1024;
constexpr int CANARY_BYTE = 0xA5, NAN_BYTE = 0xFF;

// ---------------------------------------------------------------- fibers

#ifdef __x86_64__
struct Context {
    void* stack_pointer;
};
// Saves the registers that a call must keep, and the stack pointer; loads the other's.
extern "C" void cuda_on_cpu_switch(Context* from, const Context* to);
asm(R"(
.text
.hidden cuda_on_cpu_switch
.globl cuda_on_cpu_switch
cuda_on_cpu_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov (%rsi), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");

void switch_context(Context& from, const Context& to) { cuda_on_cpu_switch(&from, &to); }

void prepare(Context& context, char* stack_top, void (*entry)()) {
    void** top = reinterpret_cast<void**>(uintptr_t(stack_top) & ~uintptr_t(15));
    *--top = nullptr;  // where a return address would stand: keeps the alignment of a call
    *--top = reinterpret_cast<void*>(entry);
    for (int saved_register = 0; saved_register < 6; ++saved_register) *--top = nullptr;
    context.stack_pointer = top;
}
#else
using Context = ucontext_t;

void switch_context(Context& from, const Context& to) { swapcontext(&from, &to); }

void prepare(Context& context, char* stack_top, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack_top - STACK_BYTES;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
}
#endif

struct Fiber {
    Context context;
    uint3 index;
    bool done;
    Meeting meeting;
    int line;
    unsigned mask, source;
    unsigned long long value, result;
};

// Threads that have come to a barrier or an exchange. Those of one mask meet each other.
struct Gathering {
    Meeting meeting;
    int line;
    unsigned mask, arrived;
};

struct Warp {
    unsigned alive;  // lanes that have not returned
    unsigned n_gatherings;
    Gathering gatherings[LANES];
};

Fiber fibers[MAX_THREADS];
Warp warps[WARPS];
Context caller;
char *stacks;
alignas(256) char shared_region[MAX_SHARED + 2 * CANARY];
void (*kernel_body)(void**);
void** kernel_arguments;
unsigned n_threads, n_alive, current;
char message[400];

// Fibers that can go on, oldest first.
uint16_t ready[MAX_THREADS];
unsigned ready_first, n_ready;

// Fibers at the block's barrier.
uint16_t at_barrier[MAX_THREADS];
unsigned n_at_barrier;
int barrier_count;

uint32_t random_state;

unsigned random_below(unsigned bound) {
    random_state ^= random_state << 13, random_state ^= random_state >> 17, random_state ^= random_state << 5;
    return unsigned(uint64_t(random_state) * bound >> 32);
}

void make_ready(unsigned thread) {
    ready[(ready_first + n_ready) % MAX_THREADS] = uint16_t(thread);
    if (random_state) {
        uint16_t& other = ready[(ready_first + random_below(n_ready + 1)) % MAX_THREADS];
        uint16_t& last = ready[(ready_first + n_ready) % MAX_THREADS];
        const uint16_t kept = other;
        other = last, last = kept;
    }
    ++n_ready;
}

const char* name_of(Meeting meeting) {
    switch (meeting) {
        case Meeting::warp: return "__syncwarp";
        case Meeting::shuffle: return "a shuffle";
        case Meeting::ballot: return "a vote";
        default: return "__syncthreads";
    }
}

[[noreturn]] void give_up() {
    switch_context(fibers[current].context, caller);
    __builtin_unreachable();
}

template <class... Values>
[[noreturn]] void fail(const char* format, Values... values) {
    const int written = snprintf(message, sizeof message, "block (%u, %u, %u): ", blockIdx.x, blockIdx.y, blockIdx.z);
    snprintf(message + written, sizeof message - unsigned(written), format, values...);
    give_up();
}

}  // namespace
}  // namespace cuda_on_cpu

#ifdef CHECKED
#include "on_cpu_checks.h"
#endif

namespace cuda_on_cpu {
namespace {

// No fiber is ready although some have not returned: tell of the first two that wait differently.
[[noreturn]] void fail_waiting() {
    unsigned first = 0;
    while (fibers[first].done) ++first;
    const Fiber& one = fibers[first];
    unsigned second = first + 1;
    while (second < n_threads && (fibers[second].done || (fibers[second].meeting == one.meeting && fibers[second].line == one.line)))
        ++second;
    if (second == n_threads)
        fail("barrier divergence: thread %u waits for ever at %s, line %d", first, name_of(one.meeting), one.line);
    const Fiber& other = fibers[second];
    fail("barrier divergence: thread %u waits at %s, line %d, and thread %u at %s, line %d", first, name_of(one.meeting), one.line,
         second, name_of(other.meeting), other.line);
}

void run_next() {
#ifdef CHECKED
    if (n_doubts) settle_doubts();
#endif
    if (!n_ready) {
        if (!n_alive) give_up();  // the block is finished
        fail_waiting();
    }
    const unsigned next = ready[ready_first], last = current;
    ready_first = (ready_first + 1) % MAX_THREADS, --n_ready;
    if (next == last) return;
    current = next;
    threadIdx = fibers[next].index;
    switch_context(fibers[last].context, fibers[next].context);
}

// ---------------------------------------------------------------- meetings

void release_block() {
    int result = barrier_count;
    const Meeting meeting = fibers[at_barrier[0]].meeting;
    if (meeting == Meeting::barrier_or) result = barrier_count != 0;
    if (meeting == Meeting::barrier_and) result = barrier_count == int(n_at_barrier);
    const unsigned released = n_at_barrier;
#ifdef CHECKED
    if (n_doubts) settle_doubts();
    ++block_epoch;
#endif
    n_at_barrier = 0, barrier_count = 0;
    for (unsigned i = 0; i < released; ++i) {
        fibers[at_barrier[i]].result = (unsigned long long)(result);
        make_ready(at_barrier[i]);
    }
}

void release_warp(unsigned first_thread, Warp& warp, Gathering& gathering) {
    const Gathering met = gathering;
#ifdef CHECKED
    if (met.arrived == warp.alive) ++warp_epochs[first_thread / LANES];
#endif
    gathering = warp.gatherings[--warp.n_gatherings];
    unsigned long long votes = 0;
    for (unsigned lane = 0; lane < LANES; ++lane)
        if (met.arrived >> lane & 1 && fibers[first_thread + lane].value) votes |= 1ull << lane;
    for (unsigned lane = 0; lane < LANES; ++lane) {
        if (!(met.arrived >> lane & 1)) continue;
        Fiber& fiber = fibers[first_thread + lane];
        const bool there = met.arrived >> (fiber.source & 31) & 1;  // a value of a lane that did not come is undefined: NaN
        fiber.result = met.meeting == Meeting::ballot ? votes : there ? fibers[first_thread + fiber.source].value : ~0ull;
        make_ready(first_thread + lane);
    }
}

Gathering& gathering_of(Warp& warp, const Fiber& fiber) {
    for (unsigned i = 0; i < warp.n_gatherings; ++i) {
        Gathering& gathering = warp.gatherings[i];
        if (gathering.mask != fiber.mask) continue;
        if (gathering.meeting != fiber.meeting || gathering.line != fiber.line)
            fail("warp divergence: lanes of mask %#x are at %s, line %d, and thread %u at %s, line %d", gathering.mask,
                 name_of(gathering.meeting), gathering.line, current, name_of(fiber.meeting), fiber.line);
        return gathering;
    }
    return warp.gatherings[warp.n_gatherings++] = {fiber.meeting, fiber.line, fiber.mask, 0};
}

void thread_returns() {
    const unsigned lane = current % LANES, first_thread = current - lane;
    fibers[current].done = true;
    --n_alive;
    Warp& warp = warps[current / LANES];
    warp.alive &= ~(1u << lane);
    if (n_alive && n_at_barrier == n_alive) release_block();
    for (unsigned i = warp.n_gatherings; i-- > 0;)
        if (warp.gatherings[i].arrived == (warp.gatherings[i].mask & warp.alive)) release_warp(first_thread, warp, warp.gatherings[i]);
}

void fiber_entry() {
    kernel_body(kernel_arguments);
    thread_returns();
    run_next();
    __builtin_unreachable();
}

// ---------------------------------------------------------------- launches

void start_block(size_t dynamic_bytes) {
    memset(shared_region, CANARY_BYTE, dynamic_bytes + 2 * CANARY);
    memset(dynamic_shared, NAN_BYTE, dynamic_bytes);
    if (__start_cuda_shared) memset(__start_cuda_shared, NAN_BYTE, size_t(__stop_cuda_shared - __start_cuda_shared));
    n_alive = n_threads, n_at_barrier = 0, barrier_count = 0, ready_first = 0, n_ready = 0;
    for (unsigned thread = 0; thread < n_threads; ++thread) {
        Fiber& fiber = fibers[thread];
        fiber.index = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
        fiber.done = false;
        prepare(fiber.context, stacks + (thread + 1) * size_t(STACK_BYTES), fiber_entry);
        make_ready(thread);
    }
#ifdef CHECKED
    start_checks_of_block();
#endif
    for (unsigned warp = 0; warp * LANES < n_threads; ++warp) {
        const unsigned lanes = n_threads - warp * LANES;
        warps[warp].alive = lanes < LANES ? (1u << lanes) - 1 : ~0u;
        warps[warp].n_gatherings = 0;
    }
}

void run_block(size_t dynamic_bytes) {
    start_block(dynamic_bytes);
    current = ready[0];
    ready_first = 1, --n_ready;
    threadIdx = fibers[current].index;
    switch_context(caller, fibers[current].context);
    const char* shared = static_cast<char*>(dynamic_shared);
    for (size_t i = 0; !message[0] && i < CANARY; ++i) {
        if (uint8_t(shared[dynamic_bytes + i]) != CANARY_BYTE)
            snprintf(message, sizeof message, "block (%u, %u, %u): wrote byte %zu of %zu bytes of dynamic shared memory", blockIdx.x,
                     blockIdx.y, blockIdx.z, dynamic_bytes + i, dynamic_bytes);
        if (uint8_t(shared_region[i]) != CANARY_BYTE)
            snprintf(message, sizeof message, "block (%u, %u, %u): wrote %zu bytes before dynamic shared memory", blockIdx.x, blockIdx.y,
                     blockIdx.z, CANARY - i);
    }
}

}  // namespace

unsigned lane() { return current % LANES; }

int wait_for_block(Meeting meeting, int predicate, int line) {
    Fiber& fiber = fibers[current];
    fiber.meeting = meeting, fiber.line = line;
    if (n_at_barrier) {
        const Fiber& other = fibers[at_barrier[0]];
        if (other.meeting != meeting || other.line != line)
            fail("barrier divergence: thread %u waits at %s, line %d, and thread %u at %s, line %d", at_barrier[0],
                 name_of(other.meeting), other.line, current, name_of(meeting), line);
    }
    at_barrier[n_at_barrier++] = uint16_t(current);
    barrier_count += predicate != 0;
    if (n_at_barrier == n_alive) release_block();
    run_next();
    return int(fiber.result);
}

unsigned long long wait_for_warp(Meeting meeting, unsigned mask, unsigned long long value, unsigned source, int line) {
    Fiber& fiber = fibers[current];
    const unsigned lane = current % LANES;
    Warp& warp = warps[current / LANES];
    if (!(mask >> lane & 1)) fail("thread %u calls %s, line %d, with mask %#x, which leaves it out", current, name_of(meeting), line, mask);
    fiber.meeting = meeting, fiber.line = line;
    fiber.mask = mask, fiber.value = value, fiber.source = source;
    Gathering& gathering = gathering_of(warp, fiber);
    gathering.arrived |= 1u << lane;
    if (gathering.arrived == (mask & warp.alive)) release_warp(current - lane, warp, gathering);
    run_next();
    return fiber.result;
}

const char* launch(const Launch& asked, void (*body)(void**), void** arguments) {
    const auto [x, y, z] = asked.block;
    n_threads = x * y * z;
    message[0] = 0;
    if (n_threads == 0 || n_threads > MAX_THREADS) return "a block has 1 to 1024 threads";
    if (asked.dynamic_shared_bytes > MAX_SHARED) return "more dynamic shared memory than any device has";
    stacks = asked.stacks;
    dynamic_shared = shared_region + CANARY;
    blockDim = {x, y, z};
    gridDim = {asked.grid[0], asked.grid[1], asked.grid[2]};
    kernel_body = body, kernel_arguments = arguments;
    random_state = asked.order_seed;
#ifdef CHECKED
    start_checks(asked);
#endif
    const unsigned blocks = gridDim.x * gridDim.y * gridDim.z;
    for (unsigned block = asked.first_block; block < blocks; block += asked.block_stride) {
        blockIdx = {block % gridDim.x, block / gridDim.x % gridDim.y, block / (gridDim.x * gridDim.y)};
        run_block(asked.dynamic_shared_bytes);
        if (message[0]) break;
    }
#ifdef CHECKED
    end_checks();
#endif
    return message[0] ? message : nullptr;
}

}  // namespace cuda_on_cpu
