// Evaluations and metrics, with the numbers of the C functions.
#include "check.hpp"

namespace fs = std::filesystem;

static void evaluations(const fs::path &folder)
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    const coopseg::Model model(SMALL_CONFIG);
    std::vector<coopseg::EvaluatedCase> heard;
    const auto evaluation = coopseg::Evaluation::run(model, dataset, {}, [&heard](const coopseg::EvaluatedCase &one) {
        heard.push_back(one);
        return coopseg::Next::go_on;
    });
    CHECK(heard.size() == 2 && heard[1].name == "two/ED" && heard[1].done == 2 && heard[1].cases == 2);
    CHECK(heard[0].refined_dice >= 0 && heard[0].refined_dice <= 1);

    coopseg_evaluation *raw = nullptr;
    char *expected = nullptr;
    CHECK_OK(coopseg_evaluation_run(model.get(), dataset.get(), nullptr, nullptr, nullptr, &raw));
    CHECK_OK(coopseg_evaluation_json(raw, &expected));
    CHECK(evaluation.json() == expected);
    CHECK_OK(coopseg_string_free(expected));
    CHECK_OK(coopseg_evaluation_free(raw));

    evaluation.save_json(folder / "evaluation.json");
    evaluation.save_csv(folder / "evaluation.csv");
    CHECK(fs::file_size(folder / "evaluation.csv") > 100);
    CHECK_THROWS(file_not_found, "nowhere", evaluation.save_json("/nowhere/at/all.json"));
    CHECK_THROWS(file_not_found, "nowhere", evaluation.save_csv("/nowhere/at/all.csv"));
    const auto loaded = coopseg::Evaluation::load(folder / "evaluation.json");
    CHECK(loaded.json() == evaluation.json());
    CHECK(holds(coopseg::Evaluation::compare(evaluation, loaded), "\"wilcoxon\""));
    CHECK_THROWS(file_format, "evaluation.csv", coopseg::Evaluation::load(folder / "evaluation.csv"));

    CHECK_THROWS(cancelled, "", coopseg::Evaluation::run(model, dataset, {}, [](const coopseg::EvaluatedCase &) {
        return coopseg::Next::stop;
    }));
    CHECK_THROWS(invalid_dataset, "", coopseg::Evaluation::run(model, coopseg::Dataset()));
    CHECK_THROWS(invalid_config, "surface", coopseg::Evaluation::run(model, dataset, R"({"surface": true})"));
}

static void metrics()
{
    const Scene scene;
    Scene shifted;
    std::rotate(shifted.labels.begin(), shifted.labels.begin() + 2, shifted.labels.end());
    const auto dice = coopseg::dice(scene.label_view(), shifted.label_view(), 5);
    const auto distances = coopseg::surface_distances(scene.label_view(), shifted.label_view(), 5);
    const coopseg_image reference = describe(COOPSEG_U8, scene.labels.data());
    const coopseg_image predicted = describe(COOPSEG_U8, shifted.labels.data());
    double c_dice[5], hd95[5], assd[5];
    CHECK_OK(coopseg_dice(&reference, &predicted, 5, c_dice));
    CHECK_OK(coopseg_surface_distances(&reference, &predicted, 5, hd95, assd));
    CHECK(dice.size() == 5 && distances.hd95.size() == 5 && std::isnan(dice[4]) && dice[1] < 1);
    for (std::size_t c = 0; c < 4; c++) {
        CHECK(dice[c] == c_dice[c] && distances.hd95[c] == hd95[c] && distances.assd[c] == assd[c]);
    }
    CHECK_THROWS(invalid_argument, "classes", coopseg::dice(scene.label_view(), scene.label_view(), 256));
    CHECK_THROWS(invalid_argument, "-1", coopseg::surface_distances(scene.label_view(), scene.label_view(), -1));
    CHECK_THROWS(invalid_label, "reference", coopseg::dice(scene.label_view(), scene.label_view(), 3));
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        evaluations(folder);
        metrics();
    });
}
