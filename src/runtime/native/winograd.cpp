#include "winograd.h"

#include "in_parallel.h"
#include "winograd_job.h"
#include "winograd_weight.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

using coopseg_native::guarded;
using coopseg_native::in_turn;
using coopseg_native::pieces_per_thread;
using coopseg_native::whole_lines;
using coopseg_native::workplaces_for;
using coopseg_native::winograd::Form;
using coopseg_native::winograd::Job;
using coopseg_native::winograd::Kernels;
using coopseg_native::winograd::kernels_for;

namespace {

// At least, of what a piece sums for the gradient of a weight.
constexpr int64_t blocks_per_sum = 16;
// Floats of all pieces' sums at most, which many threads and channels would exceed.
constexpr int64_t most_sums = 1 << 26;

bool is_image(const at::Tensor& x) {
    return x.dim() == 4 && x.numel() > 0 && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
           x.layout() == at::kStrided;
}

bool fits(const at::Tensor& weight) {
    const at::ScalarType type = weight.scalar_type();
    return weight.dim() == 4 && weight.numel() > 0 && weight.device().is_cpu() && weight.layout() == at::kStrided &&
           (type == at::kFloat || type == at::kDouble) && weight.size(2) == 3 && weight.size(3) == 3 &&
           kernels_for(weight.size(1), weight.size(0)) != nullptr;
}

bool pays(const at::Tensor& weight) {
    return fits(weight) && coopseg_native::winograd::kernels_pay(weight.size(1), weight.size(0));
}

at::Tensor pack(const at::Tensor& weight, Form form, bool backwards) {
    TORCH_CHECK(fits(weight), "Winograd's convolution does not fit a weight of ", weight.sizes());
    return coopseg_native::winograd::packed_weight(weight, form, backwards);
}

// A job that reads x; what it reads beside that, and writes, is still missing.
Job job_for(Form form, const at::Tensor& x, int64_t outputs) {
    Job job{};
    job.form = form;
    job.x = x.const_data_ptr<float>();
    job.inputs = x.size(1);
    job.outputs = outputs;
    job.height = x.size(2);
    job.width = x.size(3);
    switch (form) {
        case Form::usual:
            job.result_height = job.height;
            job.result_width = job.width;
            break;
        case Form::doubled:
            job.result_height = 2 * job.height;
            job.result_width = 2 * job.width;
            break;
        case Form::halved:
            job.result_height = job.height / 2;
            job.result_width = job.width / 2;
            break;
    }
    job.tiles_down = (std::max(job.height, job.result_height) + 1) / 2;
    job.tiles_across = (std::max(job.width, job.result_width) + 1) / 2;
    return job;
}

void run(Job& job, int64_t images, const Kernels& kernels) {
    // Pieces are of whole products, and pass in blocks.
    const int64_t tiles = images * job.tiles_down * job.tiles_across;
    const int64_t height = kernels.product_height(job.outputs);
    const int64_t rows = (tiles + height - 1) / height;
    const int64_t most_rows = coopseg_native::winograd::most_tiles / height;
    const int64_t blocks = (rows + most_rows - 1) / most_rows;
    const int64_t threads = at::get_num_threads();
    const int64_t pieces = std::max(std::min(rows, threads), std::min(blocks, pieces_per_thread * threads));
    job.tiles = std::min(most_rows, (rows + pieces - 1) / pieces) * height;
    const int64_t room = whole_lines(coopseg_native::winograd::room_of(job));
    const at::Tensor memory = at::empty({workplaces_for(pieces) * room}, at::kFloat);
    float* const start = memory.mutable_data_ptr<float>();
    in_turn(pieces, [&](int64_t piece, int64_t workplace) {
        const int64_t end = std::min(tiles, rows * (piece + 1) / pieces * height);
        for (int64_t first = rows * piece / pieces * height; first < end; first += job.tiles) {
            kernels.convolve_tiles(job, first, std::min(job.tiles, end - first), start + workplace * room);
        }
    });
}

// Of a sum, which is read or written where it lies.
void check_sum(const at::Tensor& sum, at::IntArrayRef size) {
    TORCH_CHECK(
        is_image(sum) && sum.sizes() == size && sum.is_contiguous(at::MemoryFormat::ChannelsLast),
        "Winograd's convolution needs a sum of ", size, " with the channel fastest in memory");
}

at::Tensor convolve(
    const at::Tensor& given, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor* sum,
    const at::Tensor* doubled_sum, const coopseg_native_winograd& how) {
    TORCH_CHECK(is_image(given), "Winograd's convolution needs images in float32 on the host");
    const at::Tensor x = given.contiguous(at::MemoryFormat::ChannelsLast);
    const int64_t outputs = how.outputs;
    Job job = job_for(how.doubles != 0 ? Form::doubled : Form::usual, x, outputs);
    const Kernels* const kernels = kernels_for(job.inputs, outputs);
    TORCH_CHECK(
        kernels != nullptr && weight.dim() == 1 && weight.numel() == points_of(job.form) * job.inputs * outputs,
        "Winograd's convolution of ", job.inputs, " to ", outputs, " channels does not fit a weight of ", weight.numel());
    TORCH_CHECK(
        bias.numel() == outputs && bias.is_contiguous() && bias.device().is_cpu() && bias.scalar_type() == at::kFloat,
        "Winograd's convolution to ", outputs, " channels needs as many biases in float32");
    const at::DimVector size{x.size(0), outputs, job.result_height, job.result_width};
    at::Tensor y;
    if (sum != nullptr) {
        check_sum(*sum, size);
        TORCH_CHECK(!sum->is_alias_of(x), "Winograd's convolution cannot write over its input");
        y = *sum;
    } else {
        y = at::empty(size, at::kFloat, at::MemoryFormat::ChannelsLast);
    }
    if (doubled_sum != nullptr) {
        TORCH_CHECK(job.result_height % 2 == 0 && job.result_width % 2 == 0, "half of ", size, " is no size of a sum");
        check_sum(*doubled_sum, at::DimVector{x.size(0), outputs, job.tiles_down, job.tiles_across});
        job.doubled_sum = doubled_sum->const_data_ptr<float>();
    }
    job.weight = weight.const_data_ptr<float>();
    job.bias = bias.const_data_ptr<float>();
    job.y = y.mutable_data_ptr<float>();
    job.onto = sum != nullptr;
    job.activation = how.activation;
    job.slope = static_cast<float>(how.slope);
    run(job, x.size(0), *kernels);
    return y;
}

}  // namespace

namespace coopseg_native {

bool winograd_trains(const at::Tensor& x, const at::Tensor& weight) {
    return is_image(x) && weight.scalar_type() == at::kFloat && pays(weight) && x.size(1) == weight.size(1);
}

at::Tensor winograd_convolution(
    const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, bool doubles) {
    const int64_t outputs = weight.size(0);
    const at::Tensor packed = pack(weight, doubles ? Form::doubled : Form::usual, false);
    const at::Tensor biases = bias ? bias->contiguous() : at::zeros({outputs}, at::kFloat);
    return convolve(x, packed, biases, nullptr, nullptr, {outputs, doubles ? 1 : 0, 0, 0.0});
}

at::Tensor winograd_input_gradient(const at::Tensor& gradient, const at::Tensor& weight, bool doubles) {
    const at::Tensor packed = pack(weight, doubles ? Form::doubled : Form::usual, true);
    const int64_t inputs = weight.size(1);
    if (!doubles) {
        return convolve(gradient, packed, at::zeros({inputs}, at::kFloat), nullptr, nullptr, {inputs, 0, 0, 0.0});
    }
    const at::Tensor whole = gradient.contiguous(at::MemoryFormat::ChannelsLast);
    TORCH_CHECK(
        is_image(whole) && whole.size(1) == weight.size(0) && whole.size(2) % 2 == 0 && whole.size(3) % 2 == 0,
        "a gradient of ", gradient.sizes(), " is none of a doubled image's convolution with ", weight.sizes());
    Job job = job_for(Form::halved, whole, inputs);
    at::Tensor result =
        at::empty({whole.size(0), inputs, job.result_height, job.result_width}, at::kFloat, at::MemoryFormat::ChannelsLast);
    job.weight = packed.const_data_ptr<float>();
    job.y = result.mutable_data_ptr<float>();
    run(job, whole.size(0), *kernels_for(job.inputs, inputs));
    return result;
}

at::Tensor winograd_weight_gradient(const at::Tensor& given, const at::Tensor& given_gradient, bool doubles) {
    const at::Tensor x = given.contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor gradient = given_gradient.contiguous(at::MemoryFormat::ChannelsLast);
    TORCH_CHECK(is_image(x) && is_image(gradient), "Winograd's convolution needs images in float32 on the host");
    Job job = job_for(doubles ? Form::doubled : Form::usual, x, gradient.size(1));
    const Kernels* const kernels = kernels_for(job.inputs, job.outputs);
    TORCH_CHECK(
        kernels != nullptr && gradient.size(0) == x.size(0) && gradient.size(2) == job.result_height &&
            gradient.size(3) == job.result_width,
        "a gradient of ", gradient.sizes(), " is none of Winograd's convolution of ", x.sizes());
    job.gradient = gradient.const_data_ptr<float>();
    const int64_t tiles = x.size(0) * job.tiles_down * job.tiles_across;
    job.tiles = std::min(winograd::most_tiles, tiles);
    const int64_t blocks = (tiles + job.tiles - 1) / job.tiles;
    const int64_t threads = at::get_num_threads();
    const int64_t sum_size = winograd::points_of(job.form) * job.inputs * job.outputs;
    const int64_t sum_step = whole_lines(sum_size);
    // Every piece has sums of its own, which cost time too.
    const int64_t wanted =
        std::max(std::min(blocks, threads), std::min(blocks / blocks_per_sum, pieces_per_thread * threads));
    const int64_t pieces = std::clamp<int64_t>(most_sums / sum_step, 1, wanted);
    const int64_t room = whole_lines(winograd::room_of(job));
    const at::Tensor memory = at::empty({pieces * sum_step + workplaces_for(pieces) * room}, at::kFloat);
    float* const start = memory.mutable_data_ptr<float>();
    float* const rooms = start + pieces * sum_step;
    in_turn(pieces, [&](int64_t piece, int64_t workplace) {
        float* const sums = start + piece * sum_step;
        std::fill_n(sums, sum_size, 0.0F);
        const int64_t end = tiles * (piece + 1) / pieces;
        for (int64_t first = tiles * piece / pieces; first < end; first += job.tiles) {
            kernels->add_tiles(job, first, std::min(job.tiles, end - first), rooms + workplace * room, sums);
        }
    });
    return winograd::unpacked_gradient({start, pieces, sum_step}, job.form, job.inputs, job.outputs);
}

}  // namespace coopseg_native

extern "C" int32_t coopseg_native_winograd_pays(const at::Tensor* weight) {
    return pays(*weight) ? 1 : 0;
}

extern "C" int32_t coopseg_native_winograd_weight(
    const at::Tensor* weight, int32_t doubles, at::Tensor** out_packed, coopseg_native_message* message) {
    return guarded(message, [&] {
        *out_packed = new at::Tensor(pack(*weight, doubles != 0 ? Form::doubled : Form::usual, false));
    });
}

extern "C" int32_t coopseg_native_winograd_convolve(
    const at::Tensor* x, const at::Tensor* weight, const at::Tensor* bias, at::Tensor* sum, const at::Tensor* doubled_sum,
    const coopseg_native_winograd* how, at::Tensor** out_result, coopseg_native_message* message) {
    return guarded(
        message, [&] { *out_result = new at::Tensor(convolve(*x, *weight, *bias, sum, doubled_sum, *how)); });
}
