#include "arguments.hpp"
#include "image_file.hpp"
#include "interruption.hpp"
#include "module.hpp"
#include "output_file.hpp"
#include "progress.hpp"
#include "results.hpp"
#include "segment_header.hpp"
#include "writing.hpp"

#include <itkCommand.h>
#include <itkCoopSegImageFilter.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <optional>
#include <stdexcept>

namespace {

using LabelImage = itk::Image<unsigned char, 3>;

/** The files to read and to write, opened or found to be writable. */
struct Files {
    explicit Files(const Arguments &arguments) : labels(arguments.text("labels"))
    {
        std::vector<std::string> inputs = {arguments.text("model")};
        const char *missing = nullptr;
        for (const char *const name : {"image", "channel2", "channel3", "channel4"}) {
            if (arguments.text(name).empty()) {
                missing = missing == nullptr ? name : missing;
                continue;
            }
            if (missing != nullptr) {
                throw std::runtime_error(std::string(name) + " is given, but " + missing + " is not");
            }
            inputs.push_back(arguments.text(name));
            images.emplace_back(inputs.back());
        }
        for (const ImageFile &image : images) {
            refuse_other_size(image, images.front());
        }
        if (!arguments.text("entropy").empty()) {
            entropy.emplace(arguments.text("entropy"));
        }
        if (!arguments.return_parameter_file().empty()) {
            results.emplace(arguments.return_parameter_file());
        }
        refuse_repeated(inputs, outputs());
    }

    std::vector<OutputFile *> outputs()
    {
        std::vector<OutputFile *> all = {&labels};
        if (entropy) {
            all.push_back(&*entropy);
        }
        if (results) {
            all.push_back(&*results);
        }
        return all;
    }

    std::vector<ImageFile> images;
    ImageOutputFile labels;
    std::optional<ImageOutputFile> entropy;
    std::optional<OutputFile> results;

private:
    static void refuse_other_size(const ImageFile &image, const ImageFile &first)
    {
        const auto text = [](const ImageFile &of) {
            const auto [x, y, z] = of.size();
            return std::to_string(x) + " × " + std::to_string(y) + " × " + std::to_string(z);
        };
        if (image.size() != first.size()) {
            throw std::runtime_error(image.file() + " has " + text(image) + " voxels; expected " + text(first) +
                                     ", as " + first.file() + " has");
        }
    }
};

/** The names without line breaks and the like, which neither header fields nor lines can hold. */
std::vector<std::string> names_of_classes(const coopseg::Model &model)
{
    std::vector<std::string> names = model.class_names();
    for (std::string &name : names) {
        std::replace_if(
            name.begin(), name.end(), [](unsigned char character) { return std::iscntrl(character) != 0; }, ' ');
    }
    return names;
}

/** Volumes of the classes from 1 in ml. */
std::vector<double> volumes_of(const LabelImage &labels, std::size_t classes)
{
    std::array<std::size_t, 256> voxels{};
    const std::size_t count = labels.GetBufferedRegion().GetNumberOfPixels();
    std::for_each(labels.GetBufferPointer(), labels.GetBufferPointer() + count,
                  [&](unsigned char label) { voxels[label] += 1; });
    const auto &spacing = labels.GetSpacing();
    const double voxel = spacing[0] * spacing[1] * spacing[2] / 1000;
    std::vector<double> volumes;
    for (std::size_t label = 1; label < classes; ++label) {
        volumes.push_back(static_cast<double>(voxels[label]) * voxel);
    }
    return volumes;
}

template <class Voxel>
void segment_as(const Arguments &arguments, Files &files)
{
    using Filter = itk::CoopSegImageFilter<itk::Image<Voxel, 3>, LabelImage>;
    const auto model = std::make_shared<const coopseg::Model>(coopseg::Model::load(arguments.text("model")));
    const auto filter = Filter::New();
    filter->SetModel(model);
    filter->SetDevice(arguments.text("device"));
    filter->SetIterations(arguments.number("iterations"));
    filter->SetPrecision(arguments.text("precision"));
    filter->SetProduceEntropy(files.entropy.has_value());
    for (std::size_t channel = 0; channel < files.images.size(); ++channel) {
        filter->SetInput(static_cast<unsigned int>(channel), files.images[channel].read<Voxel>());
        end_if_interrupted();
    }

    Progress progress("segmenting");
    filter->AddObserver(itk::ProgressEvent(), [&](const itk::EventObject &) {
        progress.tell(filter->GetProgress());
        if (interruption() != 0) {
            filter->AbortGenerateDataOn();
        }
    });
    filter->Update();

    LabelImage &labels = *filter->GetOutput();
    const std::vector<std::string> names = names_of_classes(*model);
    const LabelImage::SizeType &size = labels.GetBufferedRegion().GetSize();
    const Results results = {progress.seconds(), size[2], {names.begin() + 1, names.end()},
                             volumes_of(labels, names.size())};
    if (files.labels.is_segmentation()) {
        add_segments(labels.GetMetaDataDictionary(), names, size);
    }
    write_image(&labels, files.labels, true);
    if (files.entropy) {
        write_image(filter->GetEntropy(), *files.entropy, false);
    }
    if (files.results) {
        write_text(to_text(results), *files.results);
    }
    put_in_place(files.outputs());
    progress.end();
}

} // namespace

void work(const Arguments &arguments)
{
    Files files(arguments);
    const bool as_double = std::any_of(files.images.begin(), files.images.end(),
                                       [](const ImageFile &image) { return image.needs_double(); });
    if (as_double) {
        segment_as<double>(arguments, files);
    } else {
        segment_as<float>(arguments, files);
    }
}
