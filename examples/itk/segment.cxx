// Segments an image of any format that ITK reads, with a progress line.
//
//     segment MODEL IMAGE LABELS [PROBABILITIES]
//
// MODEL is a model file of coopseg; IMAGE, LABELS and PROBABILITIES are NIfTI, NRRD or MetaImage files. An image of
// several channels has them as components. Ctrl-C ends the segmentation early; then nothing is written.
//
// Exit code: 0 when everything worked; 1 when something failed.
#include "itkCoopSegImageFilter.h"

#include "itkImageFileReader.h"
#include "itkImageFileWriter.h"

#include <csignal>
#include <cstdio>

static volatile std::sig_atomic_t interrupted = 0;

template <typename TImage>
static void
Write(TImage * image, const char * file)
{
  auto writer = itk::ImageFileWriter<TImage>::New();
  writer->SetInput(image);
  writer->SetFileName(file);
  writer->UseCompressionOn();
  writer->Update();
}

static void
Segment(const char * model, const char * image, const char * labels, const char * probabilities)
{
  // A component per channel; images of one channel have one.
  using ImageType = itk::VectorImage<float, 3>;
  auto reader = itk::ImageFileReader<ImageType>::New();
  reader->SetFileName(image);

  auto filter = itk::CoopSegImageFilter<ImageType>::New();
  filter->SetInput(reader->GetOutput());
  filter->SetModelFileName(model);
  filter->SetProduceProbabilities(probabilities != nullptr);
  filter->AddObserver(itk::ProgressEvent(), [&](const itk::EventObject &) {
    std::printf("\r%3.0f %%", static_cast<double>(100 * filter->GetProgress()));
    std::fflush(stdout);
    filter->SetAbortGenerateData(interrupted != 0);
  });
  filter->Update();
  std::printf("\n");

  Write(filter->GetOutput(), labels);
  if (probabilities != nullptr)
  {
    Write(filter->GetProbabilities(), probabilities);
  }
}

int
main(int argc, char * argv[])
{
  if (argc != 4 && argc != 5)
  {
    std::fprintf(stderr, "usage: %s MODEL IMAGE LABELS [PROBABILITIES]\n", argv[0]);
    return 1;
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  try
  {
    Segment(argv[1], argv[2], argv[3], argc == 5 ? argv[4] : nullptr);
    return 0;
  }
  catch (const itk::ProcessAborted &)
  {
    std::fprintf(stderr, "\n%s: interrupted; nothing was written\n", argv[0]);
  }
  catch (const itk::ExceptionObject & error)
  {
    std::fprintf(stderr, "\n%s: %s\n", argv[0], error.GetDescription());
  }
  return 1;
}
