// Segmentation in memory and of files, with the numbers of the C functions; hard examples; pictures.
#include "check.hpp"

namespace fs = std::filesystem;
using coopseg::BufferView;
using coopseg::ImageView;

struct Maps {
    std::vector<std::uint8_t> labels = std::vector<std::uint8_t>(VOXELS);
    std::vector<short> fast = std::vector<short>(VOXELS);
    std::vector<float> probabilities = std::vector<float>(4 * VOXELS);
    std::vector<double> entropy = std::vector<double>(VOXELS);
    std::vector<float> disagreement = std::vector<float>(VOXELS);

    coopseg::SegmentationMaps views()
    {
        coopseg::SegmentationMaps maps;
        maps.labels = BufferView(labels, {NX, NY, NZ});
        maps.fast_labels = BufferView(fast, {NX, NY, NZ});
        maps.probabilities = BufferView(probabilities, {NX, NY, NZ, 4});
        maps.entropy = BufferView(entropy, {NX, NY, NZ});
        maps.disagreement = BufferView(disagreement, {NX, NY, NZ});
        return maps;
    }

    bool operator==(const Maps &other) const
    {
        return labels == other.labels && fast == other.fast && probabilities == other.probabilities &&
               entropy == other.entropy && disagreement == other.disagreement;
    }
};

static Maps by_c(const coopseg::Segmenter &segmenter, const Scene &scene)
{
    Maps maps;
    coopseg_image image = describe(COOPSEG_F32, scene.image.data());
    coopseg_buffer buffers[5] = {
        buffer_for(COOPSEG_U8, 3, 0, maps.labels.data(), VOXELS),
        buffer_for(COOPSEG_I16, 3, 0, maps.fast.data(), 2 * VOXELS),
        buffer_for(COOPSEG_F32, 4, 4, maps.probabilities.data(), 16 * VOXELS),
        buffer_for(COOPSEG_F64, 3, 0, maps.entropy.data(), 8 * VOXELS),
        buffer_for(COOPSEG_F32, 3, 0, maps.disagreement.data(), 4 * VOXELS),
    };
    coopseg_segmentation outputs = {sizeof outputs, &buffers[0], &buffers[1], &buffers[2], &buffers[3], &buffers[4]};
    CHECK_OK(coopseg_segmenter_run(segmenter.get(), &image, &outputs, nullptr, nullptr, nullptr));
    return maps;
}

template <class T>
static void in_type(const coopseg::Segmenter &segmenter, const Scene &scene, const std::vector<std::uint8_t> &expected)
{
    std::vector<T> voxels;
    for (const float value : scene.image) {
        voxels.push_back(static_cast<T>(value));
    }
    CHECK(segmenter.labels({voxels, {NX, NY, NZ}, {1.5, 1.5, 8.0}}) == expected);
}

static void in_memory(const coopseg::Segmenter &segmenter)
{
    const Scene scene;
    const ImageView image = scene.image_view();
    const Maps expected = by_c(segmenter, scene);
    Maps maps;
    CHECK(holds(segmenter.run(image, maps.views()), "\"slices\": 3"));
    CHECK(maps == expected);
    CHECK(segmenter.labels(image) == expected.labels);

    // Maps that are left out are not made; strides and types of maps.
    Maps some;
    std::vector<std::int64_t> woven(2 * VOXELS, -1);
    coopseg::SegmentationMaps views;
    views.labels = BufferView(woven.data(), {NX, NY, NZ}, {16, 16 * NX, 16 * NX * NY});
    views.entropy = BufferView(some.entropy, {NX, NY, NZ});
    segmenter.run(image, views);
    CHECK(some.entropy == expected.entropy && some.fast == Maps().fast);
    for (std::size_t i = 0; i < VOXELS; i++) {
        if (woven[2 * i] != expected.labels[i] || woven[2 * i + 1] != -1) {
            FAIL("labels go where the strides say");
            break;
        }
    }

    in_type<std::uint8_t>(segmenter, scene, expected.labels);
    in_type<std::int16_t>(segmenter, scene, expected.labels);
    in_type<std::uint16_t>(segmenter, scene, expected.labels);
    in_type<std::int32_t>(segmenter, scene, expected.labels);
    in_type<std::uint64_t>(segmenter, scene, expected.labels);
    in_type<double>(segmenter, scene, expected.labels);

    // z fastest.
    std::vector<float> turned(VOXELS);
    for (std::size_t z = 0; z < NZ; z++) {
        for (std::size_t y = 0; y < NY; y++) {
            for (std::size_t x = 0; x < NX; x++) {
                turned[(x * NY + y) * NZ + z] = scene.image[(z * NY + y) * NX + x];
            }
        }
    }
    CHECK(segmenter.labels({turned, {NX, NY, NZ}, {1.5, 1.5, 8.0}, {4 * NY * NZ, 4 * NZ, 4}}) == expected.labels);

    // One slice in 2-D, with its probabilities.
    std::vector<float> probabilities(4 * NX * NY);
    coopseg::SegmentationMaps flat;
    flat.probabilities = BufferView(probabilities, {NX, NY, 1, 4});
    segmenter.run({scene.image.data(), {NX, NY}, {1.5, 1.5}}, flat);
    float sum = 0;
    for (std::size_t c = 0; c < 4; c++) {
        sum += probabilities[c * NX * NY];
    }
    CHECK(std::abs(sum - 1) < 1e-5F);
}

static void refusals(const coopseg::Segmenter &segmenter)
{
    const Scene scene;
    const ImageView image = scene.image_view();
    Maps maps;
    coopseg::SegmentationMaps views = maps.views();
    CHECK_THROWS(invalid_argument, "at least one", segmenter.run(image, {}));
    CHECK_THROWS(invalid_argument, "at least one", segmenter.run_file("image.nii", {}));
    CHECK_THROWS(invalid_shape, "image", segmenter.run({scene.image, {NX, NY, NZ + 1}, {1.5, 1.5, 8.0}}, views));
    CHECK_THROWS(invalid_geometry, "direction", segmenter.run(image.with_direction({}), views));
    CHECK_THROWS(invalid_argument, "constant",
                 segmenter.labels({std::vector<float>(VOXELS), {NX, NY, NZ}, {1.5, 1.5, 8.0}}));
    views.labels = BufferView(maps.labels, {NX, NY, NZ - 1});
    CHECK_THROWS(invalid_shape, "outputs->labels", segmenter.run(image, views));
    views.labels = BufferView(maps.labels, {NX, NY, NZ}, {2, 2 * NX, 2 * NX * NY});
    CHECK_THROWS(invalid_shape, "outputs->labels", segmenter.run(image, views));
    views.labels = BufferView(maps.fast, {NX, NY, NZ});
    CHECK_THROWS(invalid_shape, "overlap", segmenter.run(image, views));
    CHECK_THROWS(invalid_shape, "channel(s)", segmenter.run_channels({image, image}, maps.views()));
    segmenter.run(image, maps.views());

    const coopseg::Model model(SMALL_CONFIG);
    CHECK_THROWS(invalid_config, "iterations", coopseg::Segmenter(model, R"({"iterations": -1})"));
    CHECK_THROWS(device_unavailable, "cuda:77", coopseg::Segmenter(model, R"({"device": "cuda:77"})"));
}

static void progress(const coopseg::Segmenter &segmenter, const fs::path &folder)
{
    const Scene scene;
    const ImageView image = scene.image_view();
    Maps maps;
    std::size_t calls = 0;
    segmenter.run(image, maps.views(), [&](std::size_t done, std::size_t slices) {
        CHECK(done == ++calls && slices == NZ);
        return coopseg::Next::go_on;
    });
    CHECK(calls == NZ);

    const auto stops = [](std::size_t done, std::size_t) {
        return done == 2 ? coopseg::Next::stop : coopseg::Next::go_on;
    };
    CHECK_THROWS(cancelled, "", segmenter.run(image, maps.views(), stops));
    image.write(folder / "to cancel.nii");
    coopseg::SegmentationFiles outputs;
    outputs.labels = folder / "cancelled.nii";
    CHECK_THROWS(cancelled, "", segmenter.run_file(folder / "to cancel.nii", outputs, stops));
    CHECK_THROWS(cancelled, "", segmenter.run_files({folder / "to cancel.nii"}, outputs, stops));
    CHECK_THROWS(cancelled, "", segmenter.run_channels({image}, maps.views(), stops));
    CHECK(!fs::exists(*outputs.labels));
    try {
        segmenter.run(image, maps.views(),
                      [](std::size_t, std::size_t) -> coopseg::Next { throw std::out_of_range("of mine"); });
        FAIL("the callback's exception arrives");
    } catch (const std::out_of_range &error) {
        CHECK(std::string(error.what()) == "of mine");
    }
    segmenter.run(image, maps.views());
}

static void files(const coopseg::Segmenter &segmenter, const fs::path &folder)
{
    const Scene scene;
    scene.image_view().write(folder / "image.nii.gz");
    coopseg::SegmentationFiles outputs;
    outputs.labels = folder / "labels.nii.gz";
    outputs.disagreement = folder / "disagreement.nii";
    CHECK(holds(segmenter.run_file(folder / "image.nii.gz", outputs), "\"seconds\""));
    const auto labels = coopseg::Volume::read_labels(folder / "labels.nii.gz");
    const auto expected = segmenter.labels(scene.image_view());
    CHECK(std::equal(expected.begin(), expected.end(), labels.image().voxels<std::int32_t>().begin()));
    CHECK(fs::exists(folder / "disagreement.nii") && !fs::exists(folder / "entropy.nii"));
    CHECK_THROWS(file_not_found, "none.nii", segmenter.run_file(folder / "none.nii", outputs));
}

static void channels(const fs::path &folder)
{
    const Scene scene;
    std::vector<float> second, woven;
    for (std::size_t i = 0; i < VOXELS; i++) {
        second.push_back(2 * scene.image[i] + static_cast<float>(i % 7));
        woven.insert(woven.end(), {scene.image[i], second[i]});
    }
    const std::vector<ImageView> planar{scene.image_view(), {second, {NX, NY, NZ}, {1.5, 1.5, 8.0}}};
    const auto together = coopseg::interleaved_channels(woven.data(), {NX, NY, NZ}, {1.5, 1.5, 8.0}, 2);

    const coopseg::Model model(
        R"({"network": {"width": 2, "channels": 2}, "seed": 7,
            "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]}})");
    const coopseg::Segmenter segmenter(model, R"({"device": "cpu"})");
    Maps a, b, c;
    segmenter.run_channels(planar, a.views());
    segmenter.run_channels(together, b.views());
    segmenter.run_channels({planar[0], together[1]}, c.views());
    CHECK(a == b && a == c && a.probabilities[0] > 0);
    CHECK_THROWS(invalid_shape, "channel(s)", segmenter.labels(planar[0]));
    CHECK_THROWS(invalid_geometry, "channel 1",
                 segmenter.run_channels({planar[0], planar[1].with_origin({1, 0, 0})}, c.views()));

    planar[0].write(folder / "first.nii.gz");
    planar[1].write(folder / "second.nii.gz");
    coopseg::SegmentationFiles outputs;
    outputs.labels = folder / "of channels.nii.gz";
    segmenter.run_files({folder / "first.nii.gz", folder / "second.nii.gz"}, outputs);
    const auto labels = coopseg::Volume::read_labels(*outputs.labels);
    CHECK(std::equal(a.labels.begin(), a.labels.end(), labels.image().voxels<std::int32_t>().begin()));

    coopseg::Dataset dataset;
    dataset.add_channels("one", planar, scene.label_view());
    dataset.borrow("two", together, std::nullopt, nullptr);
    CHECK(dataset.count() == 2);
}

static void hard_examples(const coopseg::Model &model)
{
    const Scene scene;
    std::vector<float> image(32 * 32 * NZ), mask(2 * 2 * NZ * 16), expected(image.size());
    coopseg::HardExampleMaps maps;
    maps.image = BufferView(image, {32, 32, NZ});
    maps.shape_mask = BufferView(mask, {2, 2, NZ, 16});
    const char *options = R"({"scheme": "channel", "fraction": 0.5, "seed": 3})";
    model.hard_example(scene.image_view(), scene.label_view(), maps, options);
    CHECK(image[0] > 0 && image[0] < 1 && std::count(mask.begin(), mask.end(), 0.0F) > 0);

    const coopseg_image view = describe(COOPSEG_F32, scene.image.data());
    const coopseg_image labels = describe(COOPSEG_U8, scene.labels.data());
    const BufferView buffer(expected, {32, 32, NZ});
    coopseg_hard_example outputs{};
    outputs.struct_size = sizeof outputs;
    outputs.image = buffer.get();
    CHECK_OK(coopseg_model_hard_example(model.get(), &view, &labels, options, &outputs));
    CHECK(image == expected);
    CHECK_THROWS(invalid_config, "scheme",
                 model.hard_example(scene.image_view(), scene.label_view(), maps, R"({"scheme": "row"})"));
}

static void pictures(const fs::path &folder)
{
    const Scene scene;
    coopseg::OverviewRow row{"one", scene.image_view()};
    row.reference = scene.label_view();
    coopseg::write_overview({row, row}, {"background", "LV", "MYO", "RV"}, folder / "overview.png");
    CHECK(fs::file_size(folder / "overview.png") > 100);
    CHECK_THROWS(file_not_found, "nowhere",
                 coopseg::write_overview({row}, {"background", "LV", "MYO", "RV"}, "/nowhere/at/all.png"));
    CHECK_THROWS(invalid_label, "", coopseg::write_overview({row}, {"background", "LV"}, folder / "other.png"));
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        std::optional<coopseg::Model> model(std::in_place, SMALL_CONFIG);
        const coopseg::Segmenter segmenter(*model, R"({"iterations": 2, "device": "cpu"})");
        hard_examples(*model);
        model.reset();
        in_memory(segmenter);
        refusals(segmenter);
        progress(segmenter, folder);
        files(segmenter, folder);
        channels(folder);
        pictures(folder);
    });
}
