// Checks for the tests of the C++ interface, beside those of the C interface.
#ifndef COOPSEG_TEST_CHECK_HPP
#define COOPSEG_TEST_CHECK_HPP

#include <coopseg/coopseg.hpp>

#include "../c/check.h"

#include <iostream>

#define CHECK_THROWS(expected, words, expression)                                                                  \
    check_throws(coopseg::Status::expected, words, [&] { static_cast<void>(expression); }, #expression, __LINE__)

template <class Function>
void check_throws(coopseg::Status expected, const std::string &words, Function function, const char *text, int line)
{
    try {
        function();
        std::cerr << "line " << line << ": " << text << " does not throw\n";
        failures++;
    } catch (const coopseg::Error &error) {
        if (error.status() != expected || std::string(error.what()).find(words) == std::string::npos) {
            std::cerr << "line " << line << ": " << text << "\n  throws " << coopseg::status_name(error.status())
                      << " (" << error.what() << ") instead of " << coopseg::status_name(expected) << " (" << words
                      << ")\n";
            failures++;
        }
    }
}

inline bool holds(const std::string &text, const std::string &words) { return text.find(words) != std::string::npos; }

constexpr std::size_t VOXELS = NX * NY * NZ;

/** A small image with its labels. */
struct Scene {
    std::vector<float> image = std::vector<float>(VOXELS);
    std::vector<unsigned char> labels = std::vector<unsigned char>(VOXELS);

    Scene() { fill(image.data(), labels.data()); }

    coopseg::ImageView image_view() const { return {image, {NX, NY, NZ}, {1.5, 1.5, 8.0}}; }
    coopseg::ImageView label_view() const { return {labels, {NX, NY, NZ}, {1.5, 1.5, 8.0}}; }

    coopseg::Dataset dataset() const
    {
        coopseg::Dataset dataset;
        dataset.add("one", image_view(), label_view());
        dataset.add("two/ED", image_view(), label_view());
        return dataset;
    }
};

/** Runs the parts of a test; what escapes them is a failure. */
template <class Function>
int run_test(Function function)
{
    try {
        function();
    } catch (const std::exception &error) {
        std::cerr << "unexpected exception: " << error.what() << '\n';
        failures++;
    }
    if (coopseg::live_handles() != 0) {
        std::cerr << coopseg::live_handles() << " handles are still alive\n";
        failures++;
    }
    return report();
}

#endif
