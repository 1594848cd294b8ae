#include "module.hpp"

static std::vector<ParameterGroup> parameter_groups()
{
    return {
        {"Input and output",
         "What is spoiled, and where the result goes.",
         false,
         {placed(Kind::image, Channel::input, "image", 0, "Image", "The image; slices are taken along its third axis."),
          placed_beside("image", Kind::image, "spoiled", 1, "Spoiled image",
                        "The image with the artefact, on its grid, in 32-bit floating point.")}},
        {"Artefact",
         "What is done to it.",
         false,
         {choice("artefact", "Artefact", "What goes wrong.",
                 {"bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling"}),
          integer("severity", "Severity", "How strong it is.", 3, 1, 5),
          integer("seed", "Seed", "Of what is drawn: the same seed makes the same image.", 0, 0, 99999999)}},
        {"Exact parameters",
         "An artefact in all its parameters.",
         true,
         {option(Kind::text, Channel::input, "json", "JSON",
                 "Optional: the artefact as a JSON object, instead of artefact and severity, such as "
                 "{\"motion\": {\"degrees\": [-5, 5]}}, or what an earlier run applied, which it then repeats.")}},
        {"Results",
         "What the last run did.",
         false,
         {result(Kind::number, "seconds", "Seconds", "How long it took, without reading and writing."),
          result(Kind::text, "applied", "Applied",
                 "The artefact that was applied, as a JSON object with all its parameters.")}},
    };
}

const Module &this_module()
{
    static const Module module = {
        "CoopSegArtefact", "Filtering", "CoopSeg: spoil with an artefact",
        "Spoils a volume with one artefact of magnetic resonance, to see what a model makes of it. It runs in a "
        "process of its own.",
        parameter_groups()};
    return module;
}
