#include "cuda.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>

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

// cudaStreamCaptureModeThreadLocal: what other threads of the program do meanwhile is their own business.
constexpr int32_t CAPTURE_OF_THIS_THREAD = 1;

// at::cuda::CUDAGraph has 104 bytes in libtorch 2.11; the rest is room for other builds of it.
constexpr size_t GRAPH_SIZE = 2048;

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
        *out_stream = new coopseg_native_cuda_stream{cuda.getStreamFromGlobalPool(place)};
    });
}

extern "C" void coopseg_native_cuda_stream_free(coopseg_native_cuda_stream* stream) {
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
        functions.construct(graph->object, false);
        try {
            functions.begin(graph->object, pool->id, CAPTURE_OF_THIS_THREAD);
        } catch (...) {
            functions.destroy(graph->object);
            throw;
        }
        *out_graph = graph.release();
    });
}

extern "C" int32_t coopseg_native_cuda_recorded(coopseg_native_cuda_graph* graph, coopseg_native_message* message) {
    return guarded(message, [&] { GraphClass::get().end(graph->object); });
}

extern "C" int32_t coopseg_native_cuda_replay(coopseg_native_cuda_graph* graph, coopseg_native_message* message) {
    return guarded(message, [&] { GraphClass::get().replay(graph->object); });
}

extern "C" void coopseg_native_cuda_graph_free(coopseg_native_cuda_graph* graph) {
    coopseg_native_message ignored;
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
