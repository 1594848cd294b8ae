// What a host has changed for its whole process, a locale of its own and a timer whose signal interrupts system calls,
// changes neither numbers nor files.
#include "check.hpp"

#include <csignal>
#include <fstream>
#include <locale>
#include <sstream>
#include <sys/time.h>

namespace fs = std::filesystem;

static volatile std::sig_atomic_t ticks = 0;

/** 1234.5 as 1.234,5. */
struct Punctuation : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
    std::string do_truename() const override { return "wahr"; }
    std::string do_falsename() const override { return "falsch"; }
};

struct Found {
    std::string labels, probabilities, csv_shape;
    bool operator==(const Found &other) const
    {
        return labels == other.labels && probabilities == other.probabilities && csv_shape == other.csv_shape;
    }
};

static std::string content(const fs::path &path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

/** The fields of every line, and which of them are empty: times differ. */
static std::string shape(const std::string &csv)
{
    std::string shape;
    for (std::size_t at = 0; at < csv.size(); at++) {
        if (csv[at] == ',' || csv[at] == '\n') {
            shape += csv[at];
            shape += at > 0 && csv[at - 1] == ',' ? "" : "value";
        }
    }
    return shape;
}

static Found work(const Scene &scene, const fs::path &folder)
{
    fs::create_directories(folder);
    const std::string config = R"({"network": {"width": 2}, "seed": 7, "device": "cpu", "slices_per_step": 2, "epochs": 2,
        "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]}, "optimizer": {"learning_rate": 0.00123},
        "snapshots": {"folder": ")" + folder.string() + R"(", "every_steps": 1},
        "recording": {"csv": ")" + (folder / "steps.csv").string() + R"("}})";
    const coopseg::Dataset dataset = scene.dataset();
    coopseg::Trainer trainer(config, &dataset, &dataset);
    trainer.run();
    trainer.save_best(folder / "model.coopseg");
    const coopseg::Segmenter segmenter(coopseg::Model::load(folder / "model.coopseg"));
    dataset.write(folder / "data");
    coopseg::SegmentationFiles files;
    files.labels = folder / "labels.nii.gz";
    files.probabilities = folder / "probabilities.nii";
    segmenter.run_file(folder / "data" / "one" / "image.nii.gz", files);
    Found found;
    found.labels = content(folder / "labels.nii.gz");
    found.probabilities = content(folder / "probabilities.nii");
    found.csv_shape = shape(content(folder / "steps.csv"));
    CHECK(!found.labels.empty() && !found.csv_shape.empty());
    return found;
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        const Scene scene;
        const Found plain = work(scene, folder / "plain");

        std::locale::global(std::locale(std::locale(), new Punctuation));
        struct sigaction action = {};
        action.sa_handler = [](int) { ticks = ticks + 1; };
        CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
        const itimerval every_millisecond = {{0, 1000}, {0, 1000}};
        CHECK(setitimer(ITIMER_REAL, &every_millisecond, nullptr) == 0);

        CHECK(work(scene, folder / "odd") == plain);
        CHECK(ticks > 100);
    });
}
