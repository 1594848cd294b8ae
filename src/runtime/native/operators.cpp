// Calls go through libtorch's dispatcher by the operators' names, as its own compiled models do.

#include "operators.h"

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>
#include <ATen/ops/leaky_relu.h>

#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using coopseg_native::guarded;

namespace {

torch::jit::Stack call(const char* name, const char* overload, torch::jit::Stack stack) {
    c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).callBoxed(&stack);
    return stack;
}

c10::List<int64_t> pair(int64_t value) {
    return c10::List<int64_t>({value, value});
}

const char* activation_name(const coopseg_native_convolution& how) {
    return how.activation == 1 ? "relu" : how.activation == 2 ? "leaky_relu" : "none";
}

c10::List<std::optional<at::Scalar>> activation_scalars(const coopseg_native_convolution& how) {
    c10::List<std::optional<at::Scalar>> scalars;
    if (how.activation == 2) {
        scalars.push_back(at::Scalar(how.slope));
    }
    return scalars;
}

std::vector<at::Tensor> tensors(at::Tensor* const* pointers, size_t count) {
    std::vector<at::Tensor> list;
    list.reserve(count);
    for (size_t index = 0; index < count; ++index) {
        list.push_back(*pointers[index]);
    }
    return list;
}

// bfloat16 instructions of AVX-512; without them oneDNN refuses or emulates.
bool processor_has_bfloat16() {
#if defined(__x86_64__)
    unsigned int a = 0, b = 0, c = 0, d = 0;
    return __builtin_cpu_supports("avx512bw") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1U << 5)) != 0;
#else
    return false;
#endif
}

}  // namespace

extern "C" int32_t coopseg_native_leaky_relu(at::Tensor* x, double slope, coopseg_native_message* message) {
    return guarded(message, [&] { at::leaky_relu_(*x, slope); });
}

extern "C" int32_t coopseg_native_has_onednn(int32_t bfloat16) {
    return at::globalContext().hasMKLDNN() && at::globalContext().userEnabledMkldnn() &&
           (bfloat16 == 0 || processor_has_bfloat16());
}

extern "C" int32_t coopseg_native_pack_weight(
    const at::Tensor* weight, int32_t transposed, const coopseg_native_convolution* how, const int64_t* input_size,
    at::Tensor** out_packed, coopseg_native_message* message) {
    return guarded(message, [&] {
        const c10::List<int64_t> size({input_size[0], input_size[1], input_size[2], input_size[3]});
        auto results = transposed != 0
                           ? call(
                                 "mkldnn::_reorder_convolution_transpose_weight", "",
                                 {*weight, pair(how->padding), pair(0), pair(how->stride), pair(1), int64_t{1}, size})
                           : call(
                                 "mkldnn::_reorder_convolution_weight", "",
                                 {*weight, pair(how->padding), pair(how->stride), pair(1), int64_t{1}, size});
        *out_packed = new at::Tensor(results.at(0).toTensor());
    });
}

extern "C" int32_t coopseg_native_convolve(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, int32_t transposed,
    const coopseg_native_convolution* how, at::Tensor** out_result, coopseg_native_message* message) {
    return guarded(message, [&] {
        auto results =
            transposed != 0
                ? call(
                      "mkldnn::_convolution_transpose_pointwise", "",
                      {*x, *weight, *bias, pair(how->padding), pair(0), pair(how->stride), pair(1), int64_t{1},
                       activation_name(*how), activation_scalars(*how), c10::IValue()})
                : call(
                      "mkldnn::_convolution_pointwise", "",
                      {*x, *weight, *bias, pair(how->padding), pair(how->stride), pair(1), int64_t{1},
                       activation_name(*how), activation_scalars(*how), c10::IValue()});
        *out_result = new at::Tensor(results.at(0).toTensor());
    });
}

extern "C" int32_t coopseg_native_convolve_onto(
    at::Tensor* sum, const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias,
    const coopseg_native_convolution* how, coopseg_native_message* message) {
    return guarded(message, [&] {
        call(
            "mkldnn::_convolution_pointwise_", "binary",
            {*sum, *x, *weight, *bias, pair(how->padding), pair(how->stride), pair(1), int64_t{1}, "add",
             at::Scalar(1.0), c10::IValue(), c10::List<std::optional<at::Scalar>>(), c10::IValue()});
    });
}

extern "C" int32_t coopseg_native_adam_update(
    at::Tensor* const* weights, at::Tensor* const* gradients, at::Tensor* const* means, at::Tensor* const* variances,
    size_t count, const at::Tensor* update, const coopseg_native_adam* how, coopseg_native_message* message) {
    return guarded(message, [&] {
        call(
            how->decoupled != 0 ? "aten::_fused_adamw_" : "aten::_fused_adam_", "",
            {tensors(weights, count), tensors(gradients, count), tensors(means, count), tensors(variances, count),
             std::vector<at::Tensor>(), std::vector<at::Tensor>(count, *update), how->learning_rate, how->beta1, how->beta2,
             how->weight_decay, how->epsilon, false, false, c10::IValue(), c10::IValue()});
    });
}

extern "C" int32_t coopseg_native_zero(at::Tensor* const* pointers, size_t count, coopseg_native_message* message) {
    return guarded(message, [&] { call("aten::_foreach_zero_", "", {tensors(pointers, count)}); });
}
