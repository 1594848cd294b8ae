#include "cuda.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using coopseg_native::guarded;

namespace {

void* find(const char* name) {
    void* symbol = dlsym(RTLD_DEFAULT, name);
    if (symbol == nullptr) {
        throw std::runtime_error(std::string("libtorch's CUDA library has no ") + name);
    }
    return symbol;
}

// The members of at::cuda::CUDAGraph, whose header needs CUDA's own. The object comes first, as in every member function.
struct GraphClass {
    using Construct = void (*)(void*, bool);
    using Begin = void (*)(void*, c10::MempoolId_t, int32_t);
    using Simple = void (*)(void*);
    using NewPool = c10::MempoolId_t (*)();

    Construct construct = reinterpret_cast<Construct>(find("_ZN2at4cuda9CUDAGraphC1Eb"));
    Begin begin =
        reinterpret_cast<Begin>(find("_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode"));
    Simple end = reinterpret_cast<Simple>(find("_ZN2at4cuda9CUDAGraph11capture_endEv"));
    Simple replay = reinterpret_cast<Simple>(find("_ZN2at4cuda9CUDAGraph6replayEv"));
    Simple destroy = reinterpret_cast<Simple>(find("_ZN2at4cuda9CUDAGraphD1Ev"));
    NewPool new_pool = reinterpret_cast<NewPool>(find("_ZN2at4cuda17graph_pool_handleEv"));

    static const GraphClass& get() {
        static const GraphClass functions;
        return functions;
    }
};

// cudaStreamCaptureModeThreadLocal: other threads of the program may ask the device for what they like meanwhile, but to
// wait for the whole of it.
constexpr int32_t CAPTURE_OF_THIS_THREAD = 1;

// libtorch keeps account of all recordings of a device without a lock, so one is made or freed at a time. And it does not
// end the account of one that failed: after that none is begun.
std::mutex recording;
bool has_failed = false;

// at::cuda::CUDAGraph has 104 bytes in libtorch 2.11; the rest is room for other builds of it.
constexpr size_t GRAPH_SIZE = 2048;

// The streams of this library. libtorch hands out those of its pool in turn and does not take them back.
std::mutex streams;
// Never destroyed: handles may be freed after every destructor.
std::vector<c10::Stream>& own = *new std::vector<c10::Stream>;
constexpr int STREAMS_OF_POOL = 32;

bool in_use(const c10::Stream& stream) {
    return std::find(own.begin(), own.end(), stream) != own.end();
}

void order(const c10::Stream& first, const c10::Stream& second) {
    c10::Event event(c10::kCUDA);
    event.record(first);
    event.block(second);
}

}  // namespace

struct coopseg_native_cuda_stream {
    c10::Stream stream;
};

struct coopseg_native_cuda_visit {
    c10::Stream before;
    c10::StreamGuard guard;
};

struct coopseg_native_cuda_pool {
    c10::MempoolId_t id;
};

struct coopseg_native_cuda_graph {
    alignas(std::max_align_t) unsigned char object[GRAPH_SIZE];
};

extern "C" int32_t coopseg_native_cuda_stream_new(
    int32_t device, coopseg_native_cuda_stream** out_stream, coopseg_native_message* message) {
    return guarded(message, [&] {
        const c10::impl::VirtualGuardImpl cuda(c10::kCUDA);
        const c10::Device place(c10::kCUDA, static_cast<c10::DeviceIndex>(device));
        const std::lock_guard<std::mutex> lock(streams);
        c10::Stream stream = cuda.getStreamFromGlobalPool(place);
        for (int tries = 1; tries < STREAMS_OF_POOL && in_use(stream); ++tries) {
            stream = cuda.getStreamFromGlobalPool(place);
        }
        *out_stream = new coopseg_native_cuda_stream{stream};
        own.push_back(stream);
    });
}

extern "C" void coopseg_native_cuda_stream_free(coopseg_native_cuda_stream* stream) {
    const std::lock_guard<std::mutex> lock(streams);
    own.erase(std::find(own.begin(), own.end(), stream->stream));
    delete stream;
}

extern "C" int32_t coopseg_native_cuda_enter(
    const coopseg_native_cuda_stream* stream, coopseg_native_cuda_visit** out_visit, coopseg_native_message* message) {
    return guarded(message, [&] {
        const c10::impl::VirtualGuardImpl cuda(c10::kCUDA);
        const c10::Stream before = cuda.getStream(stream->stream.device());
        order(before, stream->stream);
        *out_visit = new coopseg_native_cuda_visit{before, c10::StreamGuard(stream->stream)};
    });
}

extern "C" int32_t coopseg_native_cuda_leave(coopseg_native_cuda_visit* visit, coopseg_native_message* message) {
    return guarded(message, [&] {
        const std::unique_ptr<coopseg_native_cuda_visit> end(visit);
        order(visit->guard.current_stream(), visit->before);
    });
}

extern "C" int32_t coopseg_native_cuda_pool_new(coopseg_native_cuda_pool** out_pool, coopseg_native_message* message) {
    return guarded(message, [&] { *out_pool = new coopseg_native_cuda_pool{GraphClass::get().new_pool()}; });
}

extern "C" void coopseg_native_cuda_pool_free(coopseg_native_cuda_pool* pool) {
    delete pool;
}

extern "C" int32_t coopseg_native_cuda_record(
    const coopseg_native_cuda_pool* pool, coopseg_native_cuda_graph** out_graph, coopseg_native_message* message) {
    return guarded(message, [&] {
        const auto& functions = GraphClass::get();
        auto graph = std::make_unique<coopseg_native_cuda_graph>();
        std::unique_lock<std::mutex> lock(recording);
        if (has_failed) {
            throw std::runtime_error("a recording has failed in this process before");
        }
        functions.construct(graph->object, false);
        try {
            functions.begin(graph->object, pool->id, CAPTURE_OF_THIS_THREAD);
        } catch (...) {
            has_failed = true;
            // libtorch may refer to it already.
            static_cast<void>(graph.release());
            throw;
        }
        *out_graph = graph.release();
        // Until it is recorded, by this thread.
        lock.release();
    });
}

extern "C" int32_t coopseg_native_cuda_recorded(coopseg_native_cuda_graph* graph, coopseg_native_message* message) {
    const std::lock_guard<std::mutex> lock(recording, std::adopt_lock);
    return guarded(message, [&] {
        try {
            GraphClass::get().end(graph->object);
        } catch (...) {
            has_failed = true;
            throw;
        }
    });
}

extern "C" int32_t coopseg_native_cuda_replay(coopseg_native_cuda_graph* graph, coopseg_native_message* message) {
    return guarded(message, [&] { GraphClass::get().replay(graph->object); });
}

extern "C" void coopseg_native_cuda_graph_free(coopseg_native_cuda_graph* graph) {
    coopseg_native_message ignored;
    const std::lock_guard<std::mutex> lock(recording);
    guarded(&ignored, [&] { GraphClass::get().destroy(graph->object); });
    delete graph;
}

extern "C" int32_t coopseg_native_cuda_upload(
    const at::Tensor* source, int32_t device, at::Tensor** out_copy, coopseg_native_message* message) {
    return guarded(message, [&] {
        const c10::Device place(c10::kCUDA, static_cast<c10::DeviceIndex>(device));
        *out_copy = new at::Tensor(source->pin_memory().to(source->options().device(place), /*non_blocking=*/true));
    });
}

extern "C" int32_t coopseg_native_cuda_page_locked(
    const at::Tensor* source, at::Tensor** out_copy, coopseg_native_message* message) {
    return guarded(message, [&] { *out_copy = new at::Tensor(source->pin_memory()); });
}

extern "C" int32_t coopseg_native_cuda_empty_cache(coopseg_native_message* message) {
    return guarded(message, [&] { c10::getDeviceAllocator(c10::kCUDA)->emptyCache(); });
}
