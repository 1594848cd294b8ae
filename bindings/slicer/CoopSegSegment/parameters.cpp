#include "module.hpp"

static std::vector<ParameterGroup> parameter_groups()
{
    return {
        {"Input and output",
         "What is segmented, and where the results go.",
         false,
         {placed(Kind::file, Channel::input, "model", 0, "Model", "The model file (.coopseg)."),
          placed(Kind::image, Channel::input, "image", 1, "Image", "The image; slices are taken along its third axis."),
          placed_beside("image", Kind::label_image, "labels", 2, "Labels",
                        "The class of every voxel, on the image's grid. A file that ends in .seg.nrrd also holds the "
                        "classes' names and colours and opens as a segmentation."),
          option(Kind::image, Channel::output, "entropy", "Entropy",
                 "Optional: how uncertain the class of every voxel is, in nats.")}},
        {"Computation",
         "How the networks run.",
         false,
         {choice("device", "Device", "Where the networks run; auto: CUDA if it can be used.", {"auto", "cpu", "cuda"}),
          integer("iterations", "Corrections",
                  "Passes of the slow-thinking network; 0: the fast-thinking network alone.", 1, 0, 100),
          choice("precision", "Precision", "bfloat16 is faster where the processor has it, float16 and tensorfloat32 on GPUs.",
                 {"float32", "bfloat16", "float16", "tensorfloat32"})}},
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
}

const Module &this_module()
{
    static const Module module = {
        "CoopSegSegment", "Segmentation", "CoopSeg: segment with a model",
        "Segments a volume with a trained coopseg model: a fast-thinking network segments, a slow-thinking network "
        "corrects. It runs in a process of its own.",
        parameter_groups()};
    return module;
}
