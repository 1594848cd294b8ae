// Training: events, cancelling, steps of the host, snapshots, models; the numbers are those of the C functions.
#include "check.hpp"

#include <thread>

namespace fs = std::filesystem;
using coopseg::Event;
using coopseg::Next;

static void runs(const fs::path &folder)
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    coopseg::Trainer trainer(SMALL_CONFIG, &dataset, &dataset);
    std::vector<Event> events;
    const auto hear = [&events](const Event &event) {
        events.push_back(event);
        return Next::go_on;
    };

    // Cancelled by the callback, then from another thread, then to the end.
    CHECK_THROWS(cancelled, "", trainer.run([](const Event &) { return Next::stop; }));
    CHECK_THROWS(cancelled, "", trainer.run([&trainer](const Event &event) {
        CHECK(event.step == 2);
        CHECK_THROWS(busy, "", trainer.metrics());
        std::thread([&trainer] { trainer.cancel(); }).join();
        return Next::go_on;
    }));
    CHECK(holds(trainer.metrics(), "\"steps\": 2"));
    trainer.run(hear);
    CHECK_THROWS(invalid_state, "", trainer.run());

    int steps = 0, validations = 0;
    for (const Event &event : events) {
        steps += event.kind == Event::Kind::step;
        if (event.kind == Event::Kind::validation) {
            validations++;
            CHECK(event.refined_dice_per_class.size() == 4 && event.fast_dice_per_class.size() == 4);
            CHECK(std::isfinite(event.mean_iou) && event.epochs == 2 && event.steps_per_epoch == 3);
        }
    }
    CHECK(steps == 4 && validations == 2 && events.back().kind == Event::Kind::finished);
    CHECK(events.front().refined_dice_per_class.empty() && std::isnan(events.front().gradient_norm));

    trainer.save_best(folder / "best.coopseg");
    trainer.save_report(folder / "report.html");
    CHECK(fs::file_size(folder / "report.html") > 1000);
    CHECK_THROWS(file_not_found, "none", trainer.save_best(folder / "none" / "best.coopseg"));
    CHECK_THROWS(file_not_found, "none", trainer.save_snapshot(folder / "none" / "one.snapshot"));
    trainer.save_report(folder / "made" / "report.html");
    CHECK(fs::exists(folder / "made" / "report.html"));
    CHECK(holds(trainer.metrics(), "\"finished\": true"));
    const coopseg::Model best = trainer.best_model(), loaded = coopseg::Model::load(folder / "best.coopseg");
    CHECK(best.info() == loaded.info() && holds(best.info(), "\"best_epoch\""));

    // Further training from a model, by C functions and by these: the same losses.
    coopseg::Trainer again(SMALL_CONFIG, &dataset, nullptr, &loaded);
    coopseg_trainer *raw = nullptr;
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset.get(), nullptr, loaded.get(), &raw));
    const coopseg::Trainer owner(raw);
    for (int step = 0; step < 2; step++) {
        coopseg_event expected{};
        expected.struct_size = sizeof expected;
        CHECK_OK(coopseg_trainer_step(raw, &expected));
        const Event event = again.step();
        CHECK(event.loss == expected.loss && event.loss_hard_segmentation == expected.loss_hard_segmentation);
        CHECK(event.step == expected.step && event.learning_rate == expected.learning_rate);
    }
    CHECK(holds(trainer.validate(), "\"refined_dice\""));
    const std::string before = again.current_model().info();
    const coopseg::Trainer moved = std::move(again);
    CHECK(moved.current_model().info() == before);
    CHECK_THROWS(null_argument, "trainer", again.step());
}

static void by_hand(const fs::path &folder)
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    coopseg::Trainer trainer(SMALL_CONFIG, &dataset, &dataset);
    trainer.step();
    trainer.save_snapshot(folder / "one.snapshot");
    auto resumed = coopseg::Trainer::resume(folder / "one.snapshot", "", &dataset, &dataset);
    const Event event = trainer.step(), same = resumed.step();
    CHECK(event.step == 2 && same.step == 2 && event.loss == same.loss);
    CHECK_THROWS(file_not_found, "none.snapshot", coopseg::Trainer::resume(folder / "none.snapshot", {}, &dataset));

    trainer.set_learning_rate(0.5);
    CHECK(trainer.step().learning_rate == 0.5);
    CHECK_THROWS(invalid_argument, "", trainer.set_learning_rate(0.0));

    // Batches of the host.
    coopseg::Trainer bare(SMALL_CONFIG, nullptr);
    std::vector<float> images(2 * 32 * 32);
    std::vector<std::uint8_t> labels(images.size());
    for (std::size_t i = 0; i < images.size(); i++) {
        labels[i] = i / 32 % 32 > 15;
        images[i] = labels[i] != 0 ? 0.75F : 0.25F;
    }
    const double first = bare.step_batch(images, labels, {2, 1, 32, 32}).loss;
    CHECK(std::isfinite(first) && bare.step_batch(images, labels, {2, 1, 32, 32}).step == 2);
    CHECK_THROWS(invalid_shape, "2048", bare.step_batch(images, labels, {4, 1, 32, 32}));
    CHECK_THROWS(invalid_shape, "", bare.step_batch(images, {labels.data(), 32 * 32}, {2, 1, 32, 32}));
    CHECK_THROWS(invalid_shape, "", bare.step_batch(images, labels, {-2, 1, 32, 32}));
    CHECK_THROWS(invalid_state, "", bare.step());
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        runs(folder);
        by_hand(folder);
    });
}
