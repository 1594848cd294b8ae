// What CUDA offers beside operators: streams, work that is recorded once and repeated (CUDA graphs), copies that the host
// does not wait for.
//
// libtorch's CUDA library is not linked: what needs it looks its functions up in the process, and says so where they are
// missing.
#pragma once

#include "message.h"

#include <cstddef>
#include <cstdint>

namespace at {
class Tensor;
}

// A stream of a device, apart from the default stream that libtorch works on otherwise. It belongs to libtorch's pool.
struct coopseg_native_cuda_stream;
// The time during which a thread's work goes to such a stream.
struct coopseg_native_cuda_visit;
// Memory that recorded work keeps for its intermediate results; several recordings that run one after the other share it.
struct coopseg_native_cuda_pool;
// Recorded work.
struct coopseg_native_cuda_graph;

extern "C" {

int32_t coopseg_native_cuda_stream_new(
    int32_t device, coopseg_native_cuda_stream** out_stream, coopseg_native_message* message);
void coopseg_native_cuda_stream_free(coopseg_native_cuda_stream* stream);

// From now on the calling thread's work goes to `stream`, which first waits for what the thread has asked for so far.
int32_t coopseg_native_cuda_enter(
    const coopseg_native_cuda_stream* stream, coopseg_native_cuda_visit** out_visit, coopseg_native_message* message);
// Back to the stream and the device from before, which wait for what was asked for meanwhile. Ends the visit either way.
int32_t coopseg_native_cuda_leave(coopseg_native_cuda_visit* visit, coopseg_native_message* message);

int32_t coopseg_native_cuda_pool_new(coopseg_native_cuda_pool** out_pool, coopseg_native_message* message);
void coopseg_native_cuda_pool_free(coopseg_native_cuda_pool* pool);

// From now on the calling thread's work is not done but recorded. The thread visits a stream of its own.
int32_t coopseg_native_cuda_record(
    const coopseg_native_cuda_pool* pool, coopseg_native_cuda_graph** out_graph, coopseg_native_message* message);
// Ends the recording. Fails where something that cannot be recorded was asked for.
int32_t coopseg_native_cuda_recorded(coopseg_native_cuda_graph* graph, coopseg_native_message* message);
// Does the recorded work, on the calling thread's current stream.
int32_t coopseg_native_cuda_replay(coopseg_native_cuda_graph* graph, coopseg_native_message* message);
void coopseg_native_cuda_graph_free(coopseg_native_cuda_graph* graph);

// A copy of a tensor of the host on a device. The host does not wait for it: it goes through page-locked memory.
int32_t coopseg_native_cuda_upload(
    const at::Tensor* source, int32_t device, at::Tensor** out_copy, coopseg_native_message* message);
// The same tensor in page-locked memory, from where uploads are fastest.
int32_t coopseg_native_cuda_page_locked(
    const at::Tensor* source, at::Tensor** out_copy, coopseg_native_message* message);

// Gives the memory back that libtorch keeps for tensors to come.
int32_t coopseg_native_cuda_empty_cache(coopseg_native_message* message);

}  // extern "C"
