#include "writing.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fs = std::filesystem;

void refuse_repeated(const std::vector<std::string> &inputs, const std::vector<OutputFile *> &outputs)
{
    std::vector<fs::path> given(inputs.begin(), inputs.end());
    for (const OutputFile *const output : outputs) {
        for (const fs::path &other : given) {
            if (fs::weakly_canonical(other) == fs::weakly_canonical(output->file())) {
                throw std::runtime_error(output->file().string() +
                                         " is given twice; expected a file of its own for every output");
            }
        }
        given.push_back(output->file());
    }
}

void write_text(const std::string &text, OutputFile &output)
{
    end_if_interrupted();
    std::ofstream stream(output.temporary());
    if (!(stream << text << std::flush)) {
        throw std::runtime_error(output.file().string() + " cannot be written");
    }
    output.sync();
}

void put_in_place(const std::vector<OutputFile *> &outputs)
{
    end_if_interrupted();
    for (OutputFile *const output : outputs) {
        output->put_in_place();
    }
}
