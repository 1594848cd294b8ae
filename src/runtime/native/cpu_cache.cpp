// A caching CPU allocator for libtorch.
//
// libtorch hands large blocks back to the system as soon as a tensor dies and asks for them again a moment
// later; the kernel then zeroes every page anew. Blocks are kept here instead and given to the next request of
// about their size.

#include "cpu_cache.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <iterator>
#include <mutex>
#include <pthread.h>
#include <unordered_map>
#include <vector>

namespace {

// Smaller blocks stay with malloc, which keeps them anyway: 256 KiB.
constexpr size_t kSmallest = size_t{1} << 18;
// A kept block serves a request that is smaller by one part in this many.
constexpr size_t kMostWaste = 8;
constexpr size_t kHugePage = size_t{1} << 21;
// See trim().
constexpr size_t kSlack = size_t{1} << 26;
// What must be left behind every new block: oneDNN does not look whether it got the memory for the code that it
// generates, and crashes.
constexpr size_t kHeadroom = size_t{1} << 26;

size_t round_up(size_t bytes) {
    // Eight sizes for every doubling.
    size_t step = size_t{1} << 12;
    while (step * 16 <= bytes) {
        step <<= 1;
    }
    return (bytes + step - 1) / step * step;
}

struct Block {
    void* data;
    size_t size;
};

class Cache {
  public:
    // Throws what c10 throws when there is no memory.
    void* take(size_t bytes) {
        const size_t size = round_up(bytes);
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (void* data = reuse(size)) {
                return data;
            }
        }
        const Block block = fresh(size);
        std::vector<Block> released;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            blocks_.emplace(block.data, block);
            used_ += size;
            note_peak();
            trim(released);
        }
        give_back(released);
        return block.data;
    }

    // For a fork, which another thread of the process must not interrupt.
    void lock() {
        mutex_.lock();
    }

    void unlock() {
        mutex_.unlock();
    }

    // Whether the block is one of the cache's.
    bool put(void* data) {
        std::vector<Block> released;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            const auto found = blocks_.find(data);
            if (found == blocks_.end()) {
                return false;
            }
            const Block& block = found->second;
            used_ -= block.size;
            kept_ += block.size;
            ages_.push_back(block);
            by_size_.emplace(block.size, std::prev(ages_.end()));
            trim(released);
        }
        give_back(released);
        return true;
    }

    void set_limit(size_t bytes) {
        limit_.store(bytes, std::memory_order_relaxed);
        std::vector<Block> released;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            trim(released);
        }
        give_back(released);
    }

    bool on() const {
        return limit_.load(std::memory_order_relaxed) > 0;
    }

    void clear() {
        std::vector<Block> released;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            drop_to(0, released);
            peak_ = used_;
        }
        give_back(released);
    }

    coopseg_native_cpu_cache state() {
        std::lock_guard<std::mutex> lock(mutex_);
        return {limit_.load(std::memory_order_relaxed), kept_, used_, hits_, misses_};
    }

  private:
    using Ages = std::list<Block>;

    void* reuse(size_t size) {
        const auto found = by_size_.lower_bound(size);
        if (found == by_size_.end() || found->first > size + size / kMostWaste) {
            ++misses_;
            return nullptr;
        }
        ++hits_;
        const Block block = *found->second;
        ages_.erase(found->second);
        by_size_.erase(found);
        kept_ -= block.size;
        used_ += block.size;
        note_peak();
        return block.data;
    }

    Block fresh(size_t size) {
        void* data = map(size);
        if (data == nullptr) {
            // What is kept may be what is missing.
            clear();
            data = map(size);
        }
        TORCH_CHECK(
            data != nullptr, "not enough memory: ", size, " bytes would leave less than ", kHeadroom,
            " for everything else");
        return {data, size};
    }

    // Straight from the system, so that what is given back is gone; null where there is too little.
    static void* map(size_t size) {
        void* data = reserve(size);
        if (data == nullptr) {
            return nullptr;
        }
        if (size >= kHugePage) {
            madvise(data, size, MADV_HUGEPAGE);
        }
        void* rest = reserve(kHeadroom);
        if (rest == nullptr) {
            munmap(data, size);
            return nullptr;
        }
        munmap(rest, kHeadroom);
        return data;
    }

    static void* reserve(size_t size) {
        void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return data == MAP_FAILED ? nullptr : data;
    }

    void note_peak() {
        peak_ = std::max(peak_, used_);
    }

    // What is kept and what is in use together stay below what was in use at most, and some slack: two threads whose
    // tensors come and go at different times would otherwise take each other's blocks away.
    void trim(std::vector<Block>& released) {
        const size_t most = peak_ + peak_ / 4 + kSlack;
        const size_t room = most > used_ ? most - used_ : 0;
        drop_to(std::min(room, limit_.load(std::memory_order_relaxed)), released);
    }

    // The longest unused go first.
    void drop_to(size_t most, std::vector<Block>& released) {
        while (kept_ > most && !ages_.empty()) {
            const auto oldest = ages_.begin();
            const auto range = by_size_.equal_range(oldest->size);
            for (auto entry = range.first; entry != range.second; ++entry) {
                if (entry->second == oldest) {
                    by_size_.erase(entry);
                    break;
                }
            }
            kept_ -= oldest->size;
            blocks_.erase(oldest->data);
            released.push_back(*oldest);
            ages_.erase(oldest);
        }
    }

    static void give_back(const std::vector<Block>& blocks) {
        for (const Block& block : blocks) {
            munmap(block.data, block.size);
        }
    }

    std::mutex mutex_;
    std::atomic<size_t> limit_{0};
    size_t kept_ = 0;
    size_t used_ = 0;
    size_t peak_ = 0;
    uint64_t hits_ = 0;
    uint64_t misses_ = 0;
    Ages ages_;
    std::multimap<size_t, Ages::iterator> by_size_;
    std::unordered_map<void*, Block> blocks_;
};

// Never destroyed: tensors of other libraries may outlive every destructor.
Cache& cache() {
    static Cache* instance = new Cache;
    return *instance;
}

void give(void* data) {
    if (data == nullptr) {
        return;
    }
    c10::profiledCPUMemoryReporter().Delete(data);
    if (!cache().put(data)) {
        c10::free_cpu(data);
    }
}

class CachingAllocator final : public c10::Allocator {
  public:
    c10::DataPtr allocate(size_t bytes) override {
        void* data = nullptr;
        try {
            // c10 refuses sizes that can only be mistakes.
            const bool sound = bytes <= static_cast<size_t>(PTRDIFF_MAX);
            data = sound && bytes >= kSmallest && cache().on() ? cache().take(bytes) : c10::alloc_cpu(bytes);
        } catch (const c10::Error&) {
            c10::profiledCPUMemoryReporter().OutOfMemory(bytes);
            throw;
        }
        c10::profiledCPUMemoryReporter().New(data, bytes);
        return {data, data, &give, c10::Device(c10::DeviceType::CPU)};
    }

    c10::DeleterFnPtr raw_deleter() const override {
        return &give;
    }

    void copy_data(void* destination, const void* source, size_t count) const override {
        default_copy_data(destination, source, count);
    }
};

}  // namespace

extern "C" int32_t coopseg_native_cpu_cache_install(void) {
    static const int32_t installed = [] {
        if (c10::GetCPUAllocator() != c10::GetDefaultCPUAllocator()) {
            return 0;
        }
        // Tensors that outlive this library's last user still need it.
        static CachingAllocator* allocator = new CachingAllocator;
        // A copy of the process would find the cache locked by a thread that it does not have.
        pthread_atfork([] { cache().lock(); }, [] { cache().unlock(); }, [] { cache().unlock(); });
        c10::SetCPUAllocator(allocator, 0);
        return c10::GetCPUAllocator() == allocator ? 1 : 0;
    }();
    return installed;
}

extern "C" void coopseg_native_cpu_cache_set_limit(size_t bytes) {
    cache().set_limit(bytes);
}

extern "C" void coopseg_native_cpu_cache_clear(void) {
    cache().clear();
}

extern "C" coopseg_native_cpu_cache coopseg_native_cpu_cache_state(void) {
    return cache().state();
}
