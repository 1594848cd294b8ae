// Exceptions of callbacks come out of the call that they belong to, and the log.
#include "check.hpp"

#include <thread>

using coopseg::LogLevel;
using coopseg::Next;

// Derived from nothing, and not copied on its way.
struct Interruption {
    int code;
};

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

static void in_training()
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    coopseg::Trainer trainer(SMALL_CONFIG, &dataset, &dataset);

    const void *thrown = nullptr;
    try {
        trainer.run([&thrown](const coopseg::Event &event) -> Next {
            CHECK(event.step == 1);
            try {
                throw Failure("the window was closed");
            } catch (const Failure &failure) {
                thrown = &failure;
                throw;
            }
        });
        FAIL("the exception comes out");
    } catch (const Failure &failure) {
        CHECK(&failure == thrown && std::string(failure.what()) == "the window was closed");
    }
    try {
        trainer.run([](const coopseg::Event &) -> Next { throw Interruption{7}; });
        FAIL("the exception comes out");
    } catch (const Interruption &interruption) {
        CHECK(interruption.code == 7);
    }
    // An error inside the callback is one of the callback.
    CHECK_THROWS(file_not_found, "none", trainer.run([](const coopseg::Event &) {
        coopseg::Model::load("/none");
        return Next::go_on;
    }));
    // A run inside of a run, each with its own exception.
    CHECK_THROWS(cancelled, "", trainer.run([&dataset](const coopseg::Event &) {
        coopseg::Trainer inner(SMALL_CONFIG, &dataset);
        try {
            inner.run([](const coopseg::Event &) -> Next { throw Interruption{8}; });
        } catch (const Interruption &interruption) {
            CHECK(interruption.code == 8);
        }
        return Next::stop;
    }));
    // Its first event was the validation after the third step.
    CHECK(holds(trainer.metrics(), "\"steps\": 3"));
    // Also in the last event, when there is nothing left to cancel.
    try {
        trainer.run([](const coopseg::Event &event) {
            return event.kind == coopseg::Event::Kind::finished ? throw Interruption{9} : Next::go_on;
        });
        FAIL("the exception comes out");
    } catch (const Interruption &interruption) {
        CHECK(interruption.code == 9);
    }
    CHECK(holds(trainer.metrics(), "\"steps\": 6") && trainer.best_model());
}

static void in_evaluations()
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    const coopseg::Model model(SMALL_CONFIG);
    const std::size_t alive = coopseg::live_handles();
    for (const std::size_t last : {std::size_t{1}, std::size_t{2}}) {
        try {
            coopseg::Evaluation::run(model, dataset, R"({"surface_distances": false})",
                                     [last](const coopseg::EvaluatedCase &evaluated) {
                                         return evaluated.done == last ? throw Failure(evaluated.name) : Next::go_on;
                                     });
            FAIL("the exception comes out");
        } catch (const Failure &failure) {
            CHECK(std::string(failure.what()) == (last == 1 ? "one" : "two/ED"));
        }
    }
    // What the C function made nevertheless is freed.
    CHECK(coopseg::live_handles() == alive);
}

static void logs()
{
    const Scene scene;
    const coopseg::Dataset dataset = scene.dataset();
    std::vector<std::string> messages;
    coopseg::set_log_callback(
        [&messages](LogLevel level, std::string_view message) {
            CHECK(level == LogLevel::info);
            messages.emplace_back(message);
        },
        LogLevel::info);
    coopseg::Trainer trainer(SMALL_CONFIG, &dataset);
    CHECK(!messages.empty() && holds(messages.back(), "training on"));

    const std::size_t heard = messages.size();
    CHECK_THROWS(invalid_argument, "level", coopseg::set_log_callback([](LogLevel, std::string_view) {}, LogLevel{9}));
    coopseg::Trainer(SMALL_CONFIG, &dataset);
    CHECK(messages.size() > heard);

    // What it throws comes out of the call, whose result is freed.
    const std::size_t alive = coopseg::live_handles();
    const auto state = std::make_shared<int>(0);
    coopseg::set_log_callback([state](LogLevel, std::string_view) { throw Interruption{++*state}; }, LogLevel::info);
    try {
        coopseg::Trainer refused(SMALL_CONFIG, &dataset);
        FAIL("the exception comes out");
    } catch (const Interruption &interruption) {
        CHECK(interruption.code == 1);
    }
    CHECK(coopseg::live_handles() == alive);
    // A C function that is called directly has nobody to throw it: it is dropped, and not thrown later.
    coopseg_trainer *raw = nullptr;
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset.get(), nullptr, nullptr, &raw));
    CHECK(*state > 1 && holds(coopseg::Trainer(raw).metrics(), "\"steps\": 0"));

    coopseg::set_log_callback(nullptr);
    CHECK(state.use_count() == 1);
    coopseg::Trainer(SMALL_CONFIG, &dataset);

    // Changed while other threads speak.
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++) {
        threads.emplace_back([&dataset] {
            for (int j = 0; j < 10; j++) {
                coopseg::Trainer(SMALL_CONFIG, &dataset);
            }
        });
    }
    for (int i = 0; i < 200; i++) {
        const auto own = std::make_shared<std::string>("alive");
        coopseg::set_log_callback([own](LogLevel, std::string_view) { CHECK(*own == "alive"); }, LogLevel::info);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    coopseg::set_log_callback(nullptr);
}

int main()
{
    return run_test([] {
        in_training();
        in_evaluations();
        logs();
    });
}
