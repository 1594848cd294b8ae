// Datasets: from memory, borrowed, folders, parts, splits.
#include "check.hpp"

namespace fs = std::filesystem;

static void in_memory()
{
    const Scene scene;
    coopseg::Dataset dataset = scene.dataset();
    CHECK(dataset.count() == 2 && holds(dataset.info(), "two/ED"));
    CHECK_THROWS(invalid_dataset, "one", dataset.add("one", scene.image_view()));
    dataset.add("bare", scene.image_view());

    const coopseg::CaseFiles names = dataset.case_files(1);
    CHECK(names.name == "two/ED" && !names.image && !names.labels);
    CHECK_THROWS(invalid_argument, "3", dataset.case_files(3));

    const coopseg::LoadedCase loaded = dataset.load(0, 4);
    CHECK(std::equal(scene.image.begin(), scene.image.end(), loaded.image.image().voxels<float>().begin()));
    CHECK(loaded.labels &&
          std::equal(scene.labels.begin(), scene.labels.end(), loaded.labels->image().voxels<std::uint8_t>().begin()));
    CHECK(!dataset.load(2, 4).labels && !dataset.load_labels(2, 4) && dataset.load_labels(0, 4));
    CHECK_THROWS(invalid_label, "one", dataset.load(0, 2));

    const coopseg::Dataset selected = dataset.select({2, 0});
    CHECK(selected.count() == 2 && selected.case_files(0).name == "bare");
    CHECK_THROWS(invalid_argument, "", dataset.select({1, 1}));
    const auto [rest, held_out] = dataset.split(R"({"held_out": ["two"]})");
    CHECK(rest.count() == 2 && held_out.count() == 1 && held_out.case_files(0).name == "two/ED");
    CHECK_THROWS(invalid_dataset, "three", dataset.split(R"({"held_out": ["three"]})"));
}

static void channels()
{
    const Scene scene;
    std::vector<float> brighter = scene.image;
    for (float &value : brighter) {
        value += 1.0F;
    }
    const std::vector<coopseg::ImageView> views = {
        scene.image_view(), {brighter, scene.image_view().shape(), scene.image_view().spacing()}};
    coopseg::Dataset dataset = scene.dataset();
    dataset.add_channels("several", views, scene.label_view());
    dataset.add_channels("bare", views);
    CHECK_THROWS(invalid_shape, "several", dataset.load(2, 4));

    const coopseg::LoadedChannels loaded = dataset.load_channels(2, 4);
    CHECK(loaded.channels.size() == 2 && loaded.labels && dataset.load_labels(2, 4));
    CHECK(std::equal(scene.image.begin(), scene.image.end(), loaded.channels[0].image().voxels<float>().begin()));
    CHECK(std::equal(brighter.begin(), brighter.end(), loaded.channels[1].image().voxels<float>().begin()));
    CHECK(!dataset.load_channels(3, 4).labels && !dataset.load_labels(3, 4));
    CHECK(dataset.load_channels(0, 4).channels.size() == 1);
    CHECK_THROWS(invalid_label, "several", dataset.load_channels(2, 2));
}

static void borrowed()
{
    const auto scene = std::make_shared<const Scene>();
    int released = 0;
    const auto count = [&released] { released++; };
    {
        coopseg::Dataset part;
        {
            coopseg::Dataset dataset;
            dataset.borrow("one", {scene->image_view()}, scene->label_view(), [scene, count] { count(); });
            dataset.borrow("throws", {scene->image_view()}, std::nullopt, [count] {
                count();
                throw std::runtime_error("nobody hears this");
            });
            dataset.borrow("for ever", {scene->image_view()}, std::nullopt, nullptr);
            CHECK(scene.use_count() == 2);
            // A case that is refused is not released, but its function goes away.
            CHECK_THROWS(invalid_dataset, "one",
                         dataset.borrow("one", {scene->image_view()}, std::nullopt, [scene, count] { count(); }));
            CHECK(scene.use_count() == 2 && released == 0);
            part = dataset.select({0});
        }
        CHECK(released == 1 && scene.use_count() == 2 && part.load(0, 4).labels);
    }
    CHECK(released == 2 && scene.use_count() == 1);
}

static void folders(const fs::path &folder)
{
    const auto synthetic = coopseg::Dataset::synthetic(R"({"subjects": 2, "slices": 2, "size": [64, 48]})");
    synthetic.write(folder / "subjects");
    const auto opened = coopseg::Dataset::open(folder / "subjects");
    const coopseg::CaseFiles files = opened.case_files(0);
    CHECK(opened.count() == 2 && files.image && files.labels && files.image->filename() == "image.nii.gz");
    CHECK(fs::exists(*files.image) && fs::exists(*files.labels));
    CHECK_THROWS(file_not_found, "nowhere", coopseg::Dataset::open("/nowhere/at/all"));
    CHECK_THROWS(invalid_config, "images", coopseg::Dataset::open(folder / "subjects", R"({"images": "*"})"));
    CHECK_THROWS(invalid_config, "scanner", coopseg::Dataset::synthetic(R"({"scanner": "Z"})"));
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        in_memory();
        channels();
        borrowed();
        folders(folder);
    });
}
