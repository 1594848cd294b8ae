// Ownership, errors, and what belongs to the library as a whole.
#include "check.hpp"

#include <fstream>
#include <thread>

namespace fs = std::filesystem;

template <class Handle>
constexpr bool is_a_handle =
    std::is_nothrow_move_constructible_v<Handle> && std::is_nothrow_move_assignable_v<Handle> &&
    std::is_nothrow_destructible_v<Handle> && !std::is_copy_constructible_v<Handle> &&
    !std::is_copy_assignable_v<Handle>;
static_assert(is_a_handle<coopseg::Model> && is_a_handle<coopseg::Dataset> && is_a_handle<coopseg::Trainer> &&
              is_a_handle<coopseg::Segmenter> && is_a_handle<coopseg::Volume> && is_a_handle<coopseg::Evaluation>);
static_assert(sizeof(coopseg::Model) == sizeof(coopseg_model *));
static_assert(std::is_base_of_v<std::runtime_error, coopseg::Error>);

static void ownership()
{
    coopseg::Model model(SMALL_CONFIG);
    CHECK(model && coopseg::live_handles() == 1);
    coopseg::Model moved = std::move(model);
    CHECK(moved && !model && model.get() == nullptr && coopseg::live_handles() == 1);

    coopseg::Model &same = moved;
    moved = std::move(same);
    CHECK(moved && holds(moved.info(), "\"parameters\""));

    model = moved.clone();
    CHECK(model && coopseg::live_handles() == 2 && model.info() == moved.info());
    const std::vector<std::string> names{"background", "LV", "MYO", "RV"};
    CHECK(model.class_names() == names && model.class_count() == 4 && model.channel_count() == 1);
    model = std::move(moved);
    CHECK(coopseg::live_handles() == 1);
    std::swap(model, moved);
    CHECK(moved && !model);

    // An empty handle refuses everything but assignment and destruction, also where a handle may be left out.
    CHECK_THROWS(null_argument, "model", model.info());
    CHECK_THROWS(null_argument, "model", coopseg::Segmenter(model));
    CHECK_THROWS(null_argument, "moved from", coopseg::Trainer(SMALL_CONFIG, nullptr, nullptr, &model));

    // To and from C.
    coopseg_model *raw = moved.release();
    CHECK(!moved && raw != nullptr && coopseg::live_handles() == 1);
    coopseg::Model adopted(raw);
    CHECK(holds(adopted.info(), "\"parameters\""));
    CHECK_OK(coopseg_model_free(adopted.get()));
    CHECK_THROWS(invalid_handle, "", adopted.info());
}

static void files(const fs::path &folder)
{
    const fs::path file = folder / "a model.coopseg";
    {
        const coopseg::Model model(SMALL_CONFIG);
        model.save(file);
        CHECK(coopseg::Model::load(file).info() == model.info());
        CHECK_THROWS(file_not_found, "nowhere", model.save("/nowhere/at/all.coopseg"));
    }
    CHECK_THROWS(file_not_found, "none.coopseg", coopseg::Model::load(folder / "none.coopseg"));
    std::ofstream(folder / "text.coopseg") << "no model";
    CHECK_THROWS(file_format, "text.coopseg", coopseg::Model::load(folder / "text.coopseg"));
    CHECK_THROWS(file_not_found, "nowhere", coopseg::Model::import_checkpoint("/nowhere/at/all"));
    CHECK(holds(coopseg::Model::import_checkpoint(COOPSEG_GOLDEN_CHECKPOINTS).info(), "\"class_names\""));

    // A zero byte would end a text in C.
    CHECK_THROWS(invalid_argument, "position 1", coopseg::Model::load(std::string("a\0b", 3)));
    CHECK_THROWS(invalid_argument, "config", coopseg::Model(std::string_view("{}\0", 3)));
}

static void errors()
{
    try {
        coopseg::Model model(R"({"network": {"widht": 2}})");
        FAIL("an unknown key is refused");
    } catch (const std::runtime_error &error) {
        CHECK(holds(error.what(), "widht") && error.what() == coopseg::last_error());
        const auto *own = dynamic_cast<const coopseg::Error *>(&error);
        CHECK(own != nullptr && own->status() == coopseg::Status::invalid_config);
    }
    // The same words as in C.
    coopseg_model *model = nullptr;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, coopseg::last_error().c_str(),
                coopseg_model_new("{\"network\": {\"widht\": 2}}", &model));
    CHECK(std::string(coopseg::status_name(coopseg::Status::cancelled)) == "COOPSEG_CANCELLED");
    // Every thread has its own message.
    std::thread([] { CHECK_THROWS(file_not_found, "elsewhere", coopseg::Model::load("/elsewhere")); }).join();
    CHECK(holds(coopseg::last_error(), "widht"));
}

static void library()
{
    CHECK(coopseg::abi_fits() && coopseg::abi_version() == COOPSEG_ABI_VERSION);
    coopseg::load_libtorch();
    CHECK_THROWS(file_not_found, "/nowhere", coopseg::load_libtorch("/nowhere"));
    CHECK(std::string(coopseg::version()) == coopseg_version());
    CHECK(holds(coopseg::build_info(), "\"libtorch\"") && holds(coopseg::devices(), "\"cpu\""));
    const int threads = coopseg::threads();
    coopseg::set_threads(1);
    CHECK(coopseg::threads() == 1);
    coopseg::set_threads(threads);
    CHECK_THROWS(invalid_argument, "0", coopseg::set_threads(0));
    coopseg::set_seed(3);
    coopseg::cpu_cache_set_limit(1 << 20);
    CHECK(holds(coopseg::cpu_cache_info(), "1048576"));
    coopseg::cpu_cache_release();

    CHECK(holds(coopseg::config_default(), "\"epochs\""));
    CHECK(coopseg::config_default("paper") != coopseg::config_default());
    CHECK_THROWS(invalid_argument, "other", coopseg::config_default("other"));
    CHECK(coopseg::config_check("") == coopseg::config_default());
    CHECK_THROWS(invalid_config, "epochs", coopseg::config_check(R"({"epochs": 0})"));
    CHECK(holds(coopseg::config_schema("segmenter"), "\"iterations\""));
    CHECK_THROWS(invalid_argument, "", coopseg::config_schema("other"));
}

int main(int argc, char **argv)
{
    const fs::path folder = scratch(argc, argv);
    return run_test([&] {
        ownership();
        files(folder);
        errors();
        library();
    });
}
