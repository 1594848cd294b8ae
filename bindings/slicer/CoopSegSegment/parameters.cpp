#include "parameters.hpp"

namespace {

constexpr int OPTION = -1;

Parameter placed(Kind kind, Channel channel, const char *name, int place, const char *label, const char *description)
{
    return {kind, channel, name, place, label, description, "", {}, 0, 0};
}

Parameter option(Kind kind, Channel channel, const char *name, const char *label, const char *description)
{
    return placed(kind, channel, name, OPTION, label, description);
}

Parameter choice(const char *name, const char *label, const char *description, std::vector<std::string> choices)
{
    Parameter parameter = option(Kind::choice, Channel::input, name, label, description);
    parameter.standard = choices.front();
    parameter.choices = std::move(choices);
    return parameter;
}

Parameter integer(const char *name, const char *label, const char *description, int standard, int minimum, int maximum)
{
    Parameter parameter = option(Kind::integer, Channel::input, name, label, description);
    parameter.standard = std::to_string(standard);
    parameter.minimum = minimum;
    parameter.maximum = maximum;
    return parameter;
}

Parameter result(Kind kind, const char *name, const char *label, const char *description)
{
    Parameter parameter = option(kind, Channel::output, name, label, description);
    parameter.standard = kind == Kind::integer || kind == Kind::number ? "0" : "";
    return parameter;
}

bool is_file(const Parameter &parameter)
{
    return parameter.kind == Kind::image || parameter.kind == Kind::label_image || parameter.kind == Kind::file;
}

} // namespace

const std::vector<ParameterGroup> &parameter_groups()
{
    static const std::vector<ParameterGroup> groups = {
        {"Input and output",
         "What is segmented, and where the results go.",
         false,
         {placed(Kind::file, Channel::input, "model", 0, "Model", "The model file (.coopseg)."),
          placed(Kind::image, Channel::input, "image", 1, "Image", "The image; slices are taken along its third axis."),
          placed(Kind::label_image, Channel::output, "labels", 2, "Labels",
                 "The class of every voxel, on the image's grid. A file that ends in .seg.nrrd also holds the classes' "
                 "names and colours and opens as a segmentation."),
          option(Kind::image, Channel::output, "entropy", "Entropy",
                 "Optional: how uncertain the class of every voxel is, in nats.")}},
        {"Computation",
         "How the networks run.",
         false,
         {choice("device", "Device", "Where the networks run; auto: CUDA if it can be used.", {"auto", "cpu", "cuda"}),
          integer("iterations", "Corrections",
                  "Passes of the slow-thinking network; 0: the fast-thinking network alone.", 1, 0, 100),
          choice("precision", "Precision", "bfloat16 is faster where the processor has it.",
                 {"float32", "bfloat16"})}},
        {"More channels",
         "For models of several channels: further images on the grid of the first, in the model's order.",
         true,
         {option(Kind::image, Channel::input, "channel2", "Channel 2", "Image of the second channel."),
          option(Kind::image, Channel::input, "channel3", "Channel 3", "Image of the third channel."),
          option(Kind::image, Channel::input, "channel4", "Channel 4", "Image of the fourth channel.")}},
        {"Results",
         "What the last run found.",
         false,
         {result(Kind::number, "seconds", "Seconds", "How long the segmentation took, without reading and writing."),
          result(Kind::integer, "slices", "Slices", "Number of slices."),
          result(Kind::text_list, "classes", "Classes", "Names of the classes, without the background."),
          result(Kind::number_list, "volumes", "Volumes", "Volume of each of these classes in ml.")}},
    };
    return groups;
}

bool is_result(const Parameter &parameter)
{
    return parameter.channel == Channel::output && !is_file(parameter);
}

bool is_option(const Parameter &parameter) { return parameter.place < 0 && !is_result(parameter); }
