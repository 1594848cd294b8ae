// Trains on a folder of subjects, keeps the best model and evaluates it on subjects that it has not seen.
//
//     train DATA MODEL [CONFIGURATION.json]
//
// DATA is a dataset in any layout that coopseg::Dataset::open detects, MODEL the model file to write. A fifth of the
// subjects is kept for the evaluation and a fifth of the others for validation. Ctrl-C ends the training early and
// keeps the best model so far.
//
// Exit code: 0 when everything worked; 1 when something failed.
#include <coopseg/coopseg.hpp>

#include <csignal>
#include <cstdio>
#include <fstream>

using coopseg::Event;
using coopseg::Next;

static volatile std::sig_atomic_t interrupted = 0;

static Next on_event(const Event &event)
{
    if (event.kind == Event::Kind::step) {
        std::printf("\repoch %llu, step %llu: loss %.4f, %.0f s left   ", static_cast<unsigned long long>(event.epoch),
                    static_cast<unsigned long long>(event.step), event.loss, event.seconds_left);
    } else if (event.kind == Event::Kind::validation) {
        std::printf("\repoch %llu: Dice FTN %.3f, FTN+STN %.3f%s%30s\n", static_cast<unsigned long long>(event.epoch),
                    event.fast_dice, event.refined_dice, event.best ? " (best)" : "", "");
    }
    std::fflush(stdout);
    return interrupted ? Next::stop : Next::go_on;
}

static Next on_case(const coopseg::EvaluatedCase &evaluated)
{
    std::printf("%3zu of %zu  %-24s Dice %.3f\n", evaluated.done, evaluated.cases, evaluated.name.c_str(),
                evaluated.refined_dice);
    return Next::go_on;
}

/** The caller's configuration, or small networks on a coarse grid. */
static std::string configuration(const char *file)
{
    if (file == nullptr) {
        return R"({
            "network": {"width": 8}, "slices_per_step": 8, "epochs": 6,
            "preprocess": {"spacing": [2.0, 2.0], "pad": [96, 96], "crop": [80, 80]},
            "optimizer": {"learning_rate": 0.002, "average_decay": 0.98}, "seed": 1
        })";
    }
    std::ifstream stream(file);
    if (!stream) {
        throw std::runtime_error(std::string(file) + " cannot be read");
    }
    return {std::istreambuf_iterator<char>(stream), {}};
}

static void train(const char *data, const char *file, const char *config)
{
    const auto all = coopseg::Dataset::open(data, R"({"layout": "auto"})");
    const auto [rest, test] = all.split(R"({"fraction": 0.2, "seed": 1})");
    const auto [training, validation] = rest.split(R"({"fraction": 0.2, "seed": 2})");

    coopseg::Trainer trainer(configuration(config), &training, &validation);
    try {
        trainer.run(on_event);
    } catch (const coopseg::Error &error) {
        if (error.status() != coopseg::Status::cancelled) {
            throw;
        }
        std::printf("\ninterrupted; the best model so far is kept\n");
    }
    std::signal(SIGINT, SIG_DFL);
    trainer.save_best(file);
    coopseg::Evaluation::run(trainer.best_model(), test, {}, on_case)
        .save_csv(std::filesystem::path(file).replace_extension(".csv"));
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        std::fprintf(stderr, "usage: %s DATA MODEL [CONFIGURATION.json]\n", argv[0]);
        return 1;
    }
    std::signal(SIGINT, [](int) { interrupted = 1; });
    try {
        train(argv[1], argv[2], argc == 4 ? argv[3] : nullptr);
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "\n%s: %s\n", argv[0], error.what());
        return 1;
    }
}
