#include "convolution.h"

#include "weight_gradient.h"
#include "winograd.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <tuple>

using coopseg_native::guarded;
using coopseg_native::Kernel;

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor convolved(
    const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
    const coopseg_native_kernel& how) {
    return how.transposed != 0 ? at::conv_transpose2d(x, weight, bias, how.stride, how.padding)
                               : at::conv2d(x, weight, bias, how.stride, how.padding);
}

at::Tensor gradient_of_weight(
    const at::Tensor& x, const at::Tensor& gradient, int64_t size, const coopseg_native_kernel& how) {
    const Kernel kernel{size, how.stride, how.padding};
    return how.transposed != 0 ? coopseg_native::weight_gradient(x, gradient, kernel)
                               : coopseg_native::weight_gradient(gradient, x, kernel);
}

struct TrainedConvolution : torch::autograd::Function<TrainedConvolution> {
    static at::Tensor forward(
        AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
        coopseg_native_kernel how) {
        context->save_for_backward({x, weight});
        context->saved_data["stride"] = how.stride;
        context->saved_data["padding"] = how.padding;
        context->saved_data["transposed"] = how.transposed != 0;
        context->saved_data["biased"] = bias.has_value();
        return convolved(x, weight, bias, how);
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor& x = saved[0];
        const at::Tensor& weight = saved[1];
        const bool transposed = context->saved_data["transposed"].toBool();
        const coopseg_native_kernel how{
            context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt(), transposed ? 1 : 0};
        const bool of_bias = context->saved_data["biased"].toBool() && context->needs_input_grad(2);
        const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        const bool own = context->needs_input_grad(1) && coopseg_native::weight_gradient_pays(weight.size(1)) &&
                         (transposed ? coopseg_native::weight_gradient_fits(x, gradient)
                                     : coopseg_native::weight_gradient_fits(gradient, x));
        const std::array<bool, 3> others{context->needs_input_grad(0), context->needs_input_grad(1) && !own, false};

        at::Tensor of_x, weights, biases;
        if (others[0] || others[1]) {
            const int64_t bias_size = gradient.size(1);
            std::tie(of_x, weights, biases) = at::convolution_backward(
                gradient, x, weight, at::IntArrayRef(bias_size), {how.stride, how.stride}, {how.padding, how.padding},
                {1, 1}, transposed, {0, 0}, 1, others);
        }
        if (own) {
            weights = gradient_of_weight(x, gradient, weight.size(2), how);
        }
        if (of_bias) {
            biases = gradient.sum(at::IntArrayRef{0, 2, 3});
        }
        return {of_x, weights, biases, at::Tensor()};
    }
};

// The same by winograd.h.
struct WinogradConvolution : torch::autograd::Function<WinogradConvolution> {
    static at::Tensor forward(
        AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
        bool doubles) {
        context->save_for_backward({x, weight});
        context->saved_data["doubles"] = doubles;
        context->saved_data["biased"] = bias.has_value();
        return coopseg_native::winograd_convolution(x, weight, bias, doubles);
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradients) {
        const variable_list saved = context->get_saved_variables();
        const bool doubles = context->saved_data["doubles"].toBool();
        const bool of_bias = context->saved_data["biased"].toBool() && context->needs_input_grad(2);
        const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
        at::Tensor of_x, weights, biases;
        if (context->needs_input_grad(0)) {
            of_x = coopseg_native::winograd_input_gradient(gradient, saved[1], doubles);
        }
        if (context->needs_input_grad(1)) {
            weights = coopseg_native::winograd_weight_gradient(saved[0], gradient, doubles);
        }
        if (of_bias) {
            biases = gradient.sum(at::IntArrayRef{0, 2, 3});
        }
        return {of_x, weights, biases, at::Tensor()};
    }
};

std::optional<at::Tensor> given(const at::Tensor* bias) {
    return bias == nullptr ? std::nullopt : std::make_optional(*bias);
}

}  // namespace

extern "C" int32_t coopseg_native_trained_convolution(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, const coopseg_native_kernel* how,
    at::Tensor** out_result, coopseg_native_message* message) {
    return guarded(message, [&] {
        if (how->transposed == 0 && how->stride == 1 && how->padding == 1 && coopseg_native::winograd_trains(*x, *weight)) {
            *out_result = new at::Tensor(WinogradConvolution::apply(*x, *weight, given(bias), false));
            return;
        }
        const bool own_weight = coopseg_native::weight_gradient_pays(weight->size(1)) &&
                                weight->size(2) == weight->size(3) && weight->requires_grad();
        // oneDNN's gradient of a transposed convolution's bias is not made of vectors.
        const bool own_bias = how->transposed != 0 && bias != nullptr && bias->requires_grad();
        const bool own = x->device().is_cpu() && (own_bias || (own_weight && x->scalar_type() == at::kFloat));
        *out_result = new at::Tensor(
            own ? TrainedConvolution::apply(*x, *weight, given(bias), *how) : convolved(*x, *weight, given(bias), *how));
    });
}

extern "C" int32_t coopseg_native_winograd_trains(const at::Tensor* x, const at::Tensor* weight) {
    return coopseg_native::winograd_trains(*x, *weight) ? 1 : 0;
}

extern "C" int32_t coopseg_native_trained_winograd(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, int32_t doubles, at::Tensor** out_result,
    coopseg_native_message* message) {
    return guarded(message, [&] {
        *out_result = new at::Tensor(WinogradConvolution::apply(*x, *weight, given(bias), doubles != 0));
    });
}

extern "C" int32_t coopseg_native_has_weight_gradient() {
    return coopseg_native::weight_gradient_runs() ? 1 : 0;
}

extern "C" int32_t coopseg_native_weight_gradient(
    const at::Tensor* x, const at::Tensor* gradient, int64_t size, const coopseg_native_kernel* how,
    at::Tensor** out_gradient, coopseg_native_message* message) {
    return guarded(message, [&] { *out_gradient = new at::Tensor(gradient_of_weight(*x, *gradient, size, *how)); });
}
