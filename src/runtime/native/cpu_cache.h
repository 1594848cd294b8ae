// What Rust calls of the caching CPU allocator.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct coopseg_native_cpu_cache {
    size_t limit;
    size_t kept;
    size_t used;
    uint64_t hits;
    uint64_t misses;
};

// Makes libtorch allocate through the cache, once per process. 0 where the host has set an allocator of its own,
// which then stays.
int32_t coopseg_native_cpu_cache_install(void);
// Most bytes that are kept unused; 0 keeps nothing.
void coopseg_native_cpu_cache_set_limit(size_t bytes);
// Gives back everything that is unused.
void coopseg_native_cpu_cache_clear(void);
coopseg_native_cpu_cache coopseg_native_cpu_cache_state(void);

}  // extern "C"
