// Views of memory: types, shapes, strides, spans.
#include "check.hpp"

#include <array>

using coopseg::BufferView;
using coopseg::DataType;
using coopseg::ImageView;
using coopseg::Shape;
using coopseg::Span;

using coopseg::data_type_of;
static_assert(data_type_of<unsigned char>() == DataType::u8 && data_type_of<signed char>() == DataType::i8);
static_assert(data_type_of<std::uint16_t>() == DataType::u16 && data_type_of<short>() == DataType::i16);
static_assert(data_type_of<unsigned>() == DataType::u32 && data_type_of<const int>() == DataType::i32);
static_assert(data_type_of<std::uint64_t>() == DataType::u64 && data_type_of<long long>() == DataType::i64);
static_assert(data_type_of<float>() == DataType::f32 && data_type_of<double>() == DataType::f64);

using Vector = std::vector<int>;
static_assert(std::is_convertible_v<Vector &, Span<int>> && std::is_convertible_v<Vector &, Span<const int>>);
static_assert(std::is_convertible_v<Span<int>, Span<const int>> && !std::is_convertible_v<Span<const int>, Span<int>>);
static_assert(!std::is_convertible_v<const Vector &, Span<int>> && !std::is_convertible_v<Vector &, Span<float>>);
static_assert(std::is_constructible_v<BufferView, Vector &, Shape> &&
              !std::is_constructible_v<BufferView, const Vector &, Shape> &&
              !std::is_constructible_v<BufferView, const int *, Shape>);

static std::size_t sum(Span<const std::size_t> values)
{
    std::size_t total = 0;
    for (const std::size_t value : values) {
        total += value;
    }
    return total;
}

static void spans()
{
    std::vector<std::size_t> vector{1, 2, 3};
    const std::array<std::size_t, 2> array{4, 5};
    std::size_t plain[] = {6, 7};
    CHECK(sum(vector) == 6 && sum(array) == 9 && sum(plain) == 13 && sum({8, 9}) == 17 && sum({}) == 0);
    CHECK(sum({vector.data(), 2}) == 3 && Span(vector).size_bytes() == 3 * sizeof(std::size_t));
    const Span writable(vector);
    writable[0] = 10;
    CHECK(vector[0] == 10 && Span<int>().empty());
#if defined(__cpp_lib_span)
    const std::span<std::size_t> standard(vector);
    const Span<const std::size_t> ours = standard;
    const std::span<const std::size_t> back = ours;
    const std::span<std::size_t> of_temporary = Span<std::size_t>(vector);
    CHECK(sum(standard) == 15 && back.data() == vector.data() && back.size() == 3 && of_temporary.size() == 3);
#endif
}

static void shapes()
{
    const std::size_t n = 4;
    CHECK(Shape(n, 3).dimensions() == 2 && Shape(n, 3, 2).dimensions() == 3 && Shape(4, 3, 2, 5).dimensions() == 4);
    CHECK(Shape(4, 3, 2)[1] == 3 && Shape(4, 3)[2] == 1 && Shape(4, 3, 2, 5).count() == 120);
    CHECK(Shape(4, 3, 2).bytes(2, {}) == 48 && Shape(4, 3, 2).bytes(2, {4, 16, 64, 0}) == 2 + 12 + 32 + 64);
    CHECK_THROWS(invalid_shape, "axis 1", Shape(4, 0, 2).count());
    CHECK_THROWS(invalid_shape, "-3", Shape(4, -3).count());
    CHECK_THROWS(invalid_shape, "stride -1", Shape(4, 3).bytes(1, {1, -1, 0, 0}));
    CHECK_THROWS(invalid_shape, "more bytes", Shape(INT64_MAX, INT64_MAX).count());
    CHECK_THROWS(invalid_shape, "more bytes", Shape(INT64_MAX, 2, 2).bytes(1, {1, INT64_MAX, INT64_MAX, 0}));
}

static void images()
{
    const std::vector<short> voxels(24, 1);
    const ImageView image(voxels, {4, 3, 2}, {1.0, 2.0, 3.0});
    const coopseg_image &c = *image.get();
    CHECK(c.struct_size == sizeof c && c.dtype == COOPSEG_I16 && c.ndim == 3 && c.data == voxels.data());
    CHECK(c.data_size == 48 && c.shape[2] == 2 && c.spacing[2] == 3.0 && c.strides[0] == 0 && c.direction[4] == 1.0);
    CHECK(image.data_type() == DataType::i16 && image.shape()[0] == 4 && image.spacing()[1] == 2.0);
    CHECK(image.voxels<short>().size() == 24 && image.voxels<short>().data() == voxels.data());
    CHECK_THROWS(invalid_argument, "data type", image.voxels<float>());

    const coopseg::Direction turned{0, 1, 0, 1, 0, 0, 0, 0, 1};
    const ImageView elsewhere = image.with_origin({1, 2, 3}).with_direction(turned);
    CHECK(elsewhere.origin()[2] == 3.0 && elsewhere.direction() == turned && elsewhere.data() == image.data());
    CHECK(image.origin()[2] == 0.0 && image.direction()[0] == 1.0);

    const ImageView there = image.on_cuda(2);
    CHECK(c.memory == COOPSEG_MEMORY_HOST && there.get()->memory == COOPSEG_MEMORY_CUDA);
    CHECK(there.get()->device_index == 2 && there.data() == image.data());
    CHECK_THROWS(invalid_argument, "memory of a device", there.voxels<short>());

    const ImageView slice(voxels.data(), {4, 3}, {1.0, 2.0});
    CHECK(slice.get()->ndim == 2 && slice.get()->data_size == 24 && slice.shape().dimensions() == 2);

    const ImageView strided(voxels.data(), {2, 3, 2}, {1.0, 1.0, 1.0}, {4, 8, 24});
    CHECK(strided.get()->data_size == 2 + 4 + 16 + 24 && strided.strides()[1] == 8);
    CHECK_THROWS(invalid_shape, "one after the other", strided.voxels<short>());

    const std::vector<ImageView> channels = coopseg::interleaved_channels(voxels.data(), {2, 2, 2}, {1, 1, 1}, 3);
    CHECK(channels.size() == 3 && channels[2].data() == voxels.data() + 2);
    CHECK(channels[2].strides()[0] == 6 && channels[2].strides()[2] == 24);
    CHECK(channels[2].get()->data_size == 6 + 12 + 24 + 2);

    const std::int64_t huge = std::int64_t{1} << 30;
    CHECK_THROWS(invalid_shape, "more bytes", coopseg::interleaved_channels(voxels.data(), {huge, huge, 2}, {1, 1, 1}, 4));
    CHECK_THROWS(invalid_shape, "more bytes", coopseg::interleaved_channels(voxels.data(), {2, 2}, {1, 1}, SIZE_MAX));

    const ImageView untyped(DataType::f64, voxels.data(), 48, {3, 2}, {1, 1});
    CHECK(untyped.get()->dtype == COOPSEG_F64 && ImageView(c).data() == c.data);

    // What has a size is bound by it, whatever the shape says.
    const float array[12] = {};
    short writable[24] = {};
    const std::array<double, 6> standard{};
    CHECK(ImageView(array, {40, 30}, {1, 1}).get()->data_size == sizeof array);
    CHECK(ImageView(writable, {40, 30}, {1, 1}).get()->data_size == sizeof writable);
    CHECK(ImageView(standard, {40, 30}, {1, 1}).get()->data_size == sizeof standard);
    short *pointer = writable;
    CHECK(ImageView(pointer, {4, 3}, {1, 1}).get()->data_size == 24);

    CHECK_THROWS(invalid_shape, "axis 0", ImageView(voxels.data(), {0, 3, 2}, {1, 1, 1}));
    CHECK_THROWS(invalid_shape, "2 or 3", ImageView(voxels, {2, 3, 2, 2}, {1, 1, 1}));
    CHECK_THROWS(invalid_geometry, "spacing", ImageView(voxels, {4, 3, 2}, {1, 0, 1}));
    CHECK_THROWS(invalid_argument, "99", ImageView(static_cast<DataType>(99), voxels.data(), 48, {4, 3}, {1, 1}));
}

static void buffers()
{
    std::vector<double> elements(48);
    const BufferView map(elements, {4, 3, 2, 2});
    const coopseg_buffer &c = *map.get();
    CHECK(c.struct_size == sizeof c && c.dtype == COOPSEG_F64 && c.ndim == 4 && c.shape[3] == 2);
    CHECK(c.data == elements.data() && c.data_size == 48 * 8 && c.strides[0] == 0);
    CHECK(BufferView(elements.data(), {4, 3}).get()->data_size == 96);
    CHECK(BufferView(elements.data(), {4, 3}).get()->memory == COOPSEG_MEMORY_HOST);
    const BufferView there = BufferView(elements.data(), {4, 3}).on_cuda(1);
    CHECK(there.get()->memory == COOPSEG_MEMORY_CUDA && there.get()->device_index == 1);
    CHECK(BufferView(elements.data(), {4, 3}, {16, 64}).get()->data_size == 8 + 48 + 128);
    CHECK(BufferView(Span(elements), {4, 3, 2}).get()->ndim == 3 && BufferView(c).get()->data == c.data);
    float array[12] = {};
    std::array<std::uint8_t, 6> standard{};
    CHECK(BufferView(array, {40, 30}).get()->data_size == sizeof array);
    CHECK(BufferView(standard, {40, 30}).get()->data_size == sizeof standard);
    static_assert(!std::is_constructible_v<BufferView, const float *, Shape>);
    static_assert(!std::is_constructible_v<BufferView, const float (&)[12], Shape>);
    CHECK_THROWS(invalid_shape, "axis 1", BufferView(elements.data(), {4, 0}));
}

static void files(const std::filesystem::path &folder)
{
    const Scene scene;
    const ImageView placed = scene.image_view().with_origin({-10, 20, 30}).with_direction({0, 1, 0, 1, 0, 0, 0, 0, -1});
    placed.write(folder / "image.nii.gz");
    scene.label_view().write(folder / "labels.nii");

    coopseg::Volume read = coopseg::Volume::read(folder / "image.nii.gz");
    const ImageView image = read.image();
    coopseg::Volume moved = std::move(read);
    CHECK(image.data_type() == DataType::f32 && image.shape()[1] == NY && image.spacing()[2] == 8.0);
    CHECK(image.origin() == placed.origin() && image.direction() == placed.direction());
    CHECK(std::equal(scene.image.begin(), scene.image.end(), image.voxels<float>().begin()));
    CHECK_THROWS(null_argument, "volume", read.image());

    const auto labels = coopseg::Volume::read_labels(folder / "labels.nii");
    CHECK(labels.image().data_type() == DataType::i32);
    CHECK(std::equal(scene.labels.begin(), scene.labels.end(), labels.image().voxels<std::int32_t>().begin()));
    CHECK_THROWS(file_not_found, "nowhere", placed.write("/nowhere/at/all.nii"));
    CHECK_THROWS(invalid_geometry, "direction", placed.with_direction({}).write(folder / "flat.nii"));
    CHECK_THROWS(file_not_found, "none.nii", coopseg::Volume::read(folder / "none.nii"));
    CHECK_THROWS(file_not_found, "none.nii", coopseg::Volume::read_labels(folder / "none.nii"));
}

int main(int argc, char **argv)
{
    const std::filesystem::path folder = scratch(argc, argv);
    return run_test([&] {
        spans();
        shapes();
        images();
        buffers();
        files(folder);
    });
}
