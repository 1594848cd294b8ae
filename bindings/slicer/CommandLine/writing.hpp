// Results on their way into files.
#ifndef COOPSEG_SLICER_WRITING_HPP
#define COOPSEG_SLICER_WRITING_HPP

#include "interruption.hpp"
#include "output_file.hpp"

#include <itkImageFileWriter.h>

#include <string>
#include <vector>

/** @throws std::runtime_error An output that is also an input, or another output. */
void refuse_repeated(const std::vector<std::string> &inputs, const std::vector<OutputFile *> &outputs);

/** Writes to the temporary of a file; `put_in_place` follows. */
void write_text(const std::string &text, OutputFile &output);

template <class Image>
void write_image(const Image *image, OutputFile &output, bool compressed)
{
    end_if_interrupted();
    const auto writer = itk::ImageFileWriter<Image>::New();
    writer->SetInput(image);
    writer->SetFileName(output.temporary().string());
    writer->SetUseCompression(compressed);
    writer->Update();
    output.sync();
}

/** Gives all files their names. @throws Interrupted Before the first. */
void put_in_place(const std::vector<OutputFile *> &outputs);

#endif
