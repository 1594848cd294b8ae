#include "arguments.hpp"
#include "image_file.hpp"
#include "interruption.hpp"
#include "module.hpp"
#include "output_file.hpp"
#include "progress.hpp"
#include "writing.hpp"

#include <itkCommand.h>
#include <itkCoopSegArtefactImageFilter.h>

#include <optional>
#include <regex>
#include <sstream>

namespace {

/** The files to read and to write, opened or found to be writable. */
struct Files {
    explicit Files(const Arguments &arguments) : image(arguments.text("image")), spoiled(arguments.text("spoiled"))
    {
        if (!arguments.return_parameter_file().empty()) {
            results.emplace(arguments.return_parameter_file());
        }
        refuse_repeated({image.file()}, outputs());
    }

    std::vector<OutputFile *> outputs()
    {
        std::vector<OutputFile *> all = {&spoiled};
        if (results) {
            all.push_back(&*results);
        }
        return all;
    }

    ImageFile image;
    ImageOutputFile spoiled;
    std::optional<OutputFile> results;
};

/** What the library is asked for. */
std::string artefact_of(const Arguments &arguments)
{
    if (!arguments.text("json").empty()) {
        return arguments.text("json");
    }
    return "{\"" + arguments.text("artefact") + "\": {\"severity\": " + arguments.text("severity") + "}}";
}

/** A value of a return parameter file is one line. */
std::string results_of(double seconds, const std::string &applied)
{
    std::ostringstream text;
    text << "seconds = " << seconds << "\napplied = " << std::regex_replace(applied, std::regex("\\s+"), " ") << '\n';
    return text.str();
}

template <class Voxel>
void spoil_as(const Arguments &arguments, Files &files)
{
    const auto filter = itk::CoopSegArtefactImageFilter<itk::Image<Voxel, 3>>::New();
    filter->SetInput(files.image.read<Voxel>());
    filter->SetArtefact(artefact_of(arguments));
    filter->SetSeed(arguments.number("seed"));
    end_if_interrupted();

    Progress progress("spoiling");
    filter->AddObserver(itk::ProgressEvent(), [&](const itk::EventObject &) {
        progress.tell(filter->GetProgress());
        if (interruption() != 0) {
            filter->AbortGenerateDataOn();
        }
    });
    filter->Update();

    const std::string results = results_of(progress.seconds(), filter->GetAppliedParameters());
    write_image(filter->GetOutput(), files.spoiled, false);
    if (files.results) {
        write_text(results, *files.results);
    }
    put_in_place(files.outputs());
    progress.end();
}

} // namespace

void work(const Arguments &arguments)
{
    Files files(arguments);
    if (files.image.needs_double()) {
        spoil_as<double>(arguments, files);
    } else {
        spoil_as<float>(arguments, files);
    }
}
