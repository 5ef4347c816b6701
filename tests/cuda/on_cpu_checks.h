// Looks at every memory access of a kernel: its place, whether anything was written there, and whether another thread may use the
// same word without a barrier in between. The compiler announces accesses to functions of ThreadSanitizer's names and misaligned
// pointers to one of UndefinedBehaviorSanitizer's; these here stand in their place. Part of on_cpu_runtime.cpp.
#pragma once

extern "C" char __ehdr_start[] __attribute__((visibility("hidden")));  // first and last byte of this library
extern "C" char _end[] __attribute__((visibility("hidden")));

namespace cuda_on_cpu {
namespace {

// When and by whom a word was used. Threads of a block are in order when a barrier lies between; those of a warp, a meeting.
struct Use {
    uint32_t block;  // counted from 1; 0: never used
    uint32_t block_epoch, warp_epoch;
    uint16_t thread;
    bool whole_warp, whole_block;  // several threads of this warp, or of several warps, in this epoch
};

struct Word {
    Use written, read;
};

struct Region {
    char* start;
    size_t bytes;
    Word* words;
    const char* name;
    unsigned argument;
    bool needs_writing;  // before it is read
};

constexpr unsigned MAX_REGIONS = 66;
Region regions[MAX_REGIONS];
unsigned n_regions, last_region;
uint32_t block_number, block_epoch, warp_epochs[WARPS];

// A second thread that writes what is there already does no harm. Known only after the write.
struct Doubt {
    const char* word;
    char before[4];
    const void* code;
    unsigned thread, other;
} doubts[4];
unsigned n_doubts;

size_t offset_of(const void* code) { return size_t(static_cast<const char*>(code) - __ehdr_start); }

void add_region(void* start, size_t bytes, const char* name, unsigned argument, bool needs_writing) {
    auto* words = static_cast<Word*>(__builtin_calloc(bytes / 4 + 2, sizeof(Word)));
    regions[n_regions++] = {static_cast<char*>(start), bytes, words, name, argument, needs_writing};
}

void start_checks(const Launch& asked) {
    n_regions = 0, n_doubts = 0, block_number = 0;
    add_region(dynamic_shared, asked.dynamic_shared_bytes, "dynamic shared memory", 0, true);
    const size_t static_bytes = __start_cuda_shared ? size_t(__stop_cuda_shared - __start_cuda_shared) : 0;
    add_region(__start_cuda_shared, static_bytes, "a static shared array", 0, true);
    for (unsigned i = 0; i < asked.n_arrays && n_regions < MAX_REGIONS; ++i)
        add_region(asked.arrays[i].start, asked.arrays[i].bytes, "argument", asked.arrays[i].argument, false);
}

void end_checks() {
    while (n_regions) __builtin_free(regions[--n_regions].words);
}

void start_checks_of_block() {
    ++block_number, ++block_epoch;
    for (unsigned i = 0; i < 2; ++i) memset(regions[i].words, 0, (regions[i].bytes / 4 + 2) * sizeof(Word));
}

void settle_doubts() {
    const unsigned asked = n_doubts;
    n_doubts = 0;
    for (unsigned i = 0; i < asked; ++i)
        if (memcmp(doubts[i].word, doubts[i].before, 4))
            fail("race: threads %u and %u write different values to one word @%zx", doubts[i].other, doubts[i].thread,
                 offset_of(doubts[i].code));
}

bool in_order(const Use& use) {
    if (use.block != block_number) return use.block == 0;
    if (use.block_epoch < block_epoch) return true;
    if (use.whole_block) return false;
    const unsigned warp = current / LANES;
    if (use.thread / LANES != warp) return false;
    return use.warp_epoch < warp_epochs[warp] || (use.thread == current && !use.whole_warp);
}

Use use_now(const Use& before) {
    const unsigned warp = current / LANES;
    Use now = {block_number, block_epoch, warp_epochs[warp], uint16_t(current), false, false};
    if (before.block != block_number || before.block_epoch < block_epoch) return now;
    now.whole_block = before.whole_block || before.thread / LANES != warp;
    const bool same_meeting = before.warp_epoch == now.warp_epoch;
    now.whole_warp = same_meeting && (before.whole_warp || before.thread != current);
    return now;
}

[[noreturn]] void fail_race(const Region& region, const char* address, const Use& use, const char* pair, const void* code) {
    const bool other_block = use.block != block_number;
    fail("race: threads %u%s and %u %s byte %zu of %s %u @%zx", use.thread, other_block ? " of another block" : "", current, pair,
         size_t(address - region.start), region.name, region.argument, offset_of(code));
}

void check_word(Region& region, const char* address, bool writes, const void* code) {
    Word& word = region.words[(address - region.start) / 4];
    if (writes) {
        if (!in_order(word.read)) fail_race(region, address, word.read, "read and then write", code);
        if (!in_order(word.written) && n_doubts < 4) {
            Doubt& doubt = doubts[n_doubts++];
            doubt = {address, {}, code, current, word.written.thread};
            memcpy(doubt.before, address, 4);
        }
        word.written = use_now(word.written);
        return;
    }
    if (region.needs_writing && !word.written.block)
        fail("thread %u reads byte %zu of %s, where nothing was written @%zx", current, size_t(address - region.start), region.name,
             offset_of(code));
    if (!in_order(word.written)) fail_race(region, address, word.written, "write and then read", code);
    word.read = use_now(word.read);
}

bool holds(const Region& region, const char* address) {
    return address >= region.start && address < region.start + region.bytes;
}

bool is_constant(const char* address) {
    const bool shared = address >= shared_region && address < shared_region + sizeof shared_region;
    return !shared && address >= __ehdr_start && address < _end;
}

Region* region_of(const char* address) {
    if (holds(regions[last_region], address)) return &regions[last_region];
    for (last_region = 0; last_region < n_regions; ++last_region)
        if (holds(regions[last_region], address)) return &regions[last_region];
    last_region = 0;
    return nullptr;
}

[[noreturn]] void fail_outside(const char* address, size_t size, bool writes, const void* code) {
    const Region* nearest = nullptr;
    for (unsigned i = 0; i < n_regions; ++i)
        if (regions[i].bytes && address >= regions[i].start && (!nearest || regions[i].start > nearest->start)) nearest = &regions[i];
    const char* verb = writes ? "writes" : "reads";
    if (!nearest) fail("thread %u %s %zu bytes outside of all arrays @%zx", current, verb, size, offset_of(code));
    fail("thread %u %s %zu bytes outside of all arrays, at byte %zu of %zu of %s %u @%zx", current, verb, size,
         size_t(address - nearest->start), nearest->bytes, nearest->name, nearest->argument, offset_of(code));
}

void check(const void* where, size_t size, bool writes, const void* code) {
    if (!n_regions) return;  // between launches
    const char* address = static_cast<const char*>(where);
    if (address >= stacks && address < stacks + MAX_THREADS * size_t(STACK_BYTES)) return;
    if (n_doubts) settle_doubts();
    Region* region = region_of(address);
    if (!region && !writes && is_constant(address)) return;
    if (!region || !holds(*region, address + size - 1)) fail_outside(address, size, writes, code);
    const char* first_word = region->start + (address - region->start) / 4 * 4;
    for (const char* word = first_word; word < address + size; word += 4) check_word(*region, word, writes, code);
}

}  // namespace
}  // namespace cuda_on_cpu

#define ACCESS_OF(size)                                                                                                           \
    void __tsan_read##size(void* address) { cuda_on_cpu::check(address, size, false, __builtin_return_address(0)); }              \
    void __tsan_write##size(void* address) { cuda_on_cpu::check(address, size, true, __builtin_return_address(0)); }              \
    void __tsan_unaligned_read##size(void* address) { cuda_on_cpu::check(address, size, false, __builtin_return_address(0)); }    \
    void __tsan_unaligned_write##size(void* address) { cuda_on_cpu::check(address, size, true, __builtin_return_address(0)); }
extern "C" {
void __tsan_init() {}
ACCESS_OF(1) ACCESS_OF(2) ACCESS_OF(4) ACCESS_OF(8) ACCESS_OF(16)
void __tsan_read_range(void* address, size_t size) { cuda_on_cpu::check(address, size, false, __builtin_return_address(0)); }
void __tsan_write_range(void* address, size_t size) { cuda_on_cpu::check(address, size, true, __builtin_return_address(0)); }
void __ubsan_handle_type_mismatch_v1(void*, void* pointer) {
    cuda_on_cpu::fail("thread %u uses the misaligned address %p @%zx", cuda_on_cpu::current, pointer,
                      cuda_on_cpu::offset_of(__builtin_return_address(0)));
}
}
#undef ACCESS_OF
