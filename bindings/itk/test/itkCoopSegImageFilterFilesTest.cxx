// A NIfTI file that ITK reads and the filter segments, against the library's own way from file to file.
#include "itkCoopSegTesting.h"

#include "itkImageFileReader.h"
#include "itkImageFileWriter.h"

#include <cmath>
#include <set>

using namespace CoopSegTesting;

namespace
{
template <typename TImage>
typename TImage::Pointer
Read(const std::string & file)
{
  auto reader = itk::ImageFileReader<TImage>::New();
  reader->SetFileName(file);
  reader->Update();
  return reader->GetOutput();
}

/** Largest difference of two lists. */
template <typename TFirst, typename TSecond>
double
Difference(const TFirst * first, const TSecond * second, std::size_t count)
{
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i)
  {
    largest = std::max(largest, std::abs(static_cast<double>(first[i]) - static_cast<double>(second[i])));
  }
  return largest;
}

/** Whether the corners of two grids lie at the same place, to a micrometre, which is what NIfTI's floats hold. */
template <typename TFirst, typename TSecond>
bool
SameGrid(const TFirst * first, const TSecond * second)
{
  if (first->GetLargestPossibleRegion() != second->GetLargestPossibleRegion())
  {
    return false;
  }
  const auto size = first->GetLargestPossibleRegion().GetSize();
  for (unsigned int corner = 0; corner < 8; ++corner)
  {
    itk::Index<3> index;
    for (unsigned int axis = 0; axis < 3; ++axis)
    {
      index[axis] = corner >> axis & 1 ? static_cast<itk::IndexValueType>(size[axis]) - 1 : 0;
    }
    itk::Point<double, 3> here;
    itk::Point<double, 3> there;
    first->TransformIndexToPhysicalPoint(index, here);
    second->TransformIndexToPhysicalPoint(index, there);
    if (here.EuclideanDistanceTo(there) > 1e-3)
    {
      return false;
    }
  }
  return true;
}
} // namespace

int
itkCoopSegImageFilterFilesTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    coopseg::SegmentationFiles files;
    files.labels = "library_labels.nii.gz";
    files.probabilities = "library_probabilities.nii.gz";
    files.entropy = "library_entropy.nii.gz";
    files.disagreement = "library_disagreement.nii.gz";
    coopseg::Segmenter(LoadModel()).run_file(ImageFile, files);

    using ImageType = itk::Image<float, 3>;
    auto reader = itk::ImageFileReader<ImageType>::New();
    reader->SetFileName(ImageFile);
    auto filter = itk::CoopSegImageFilter<ImageType>::New();
    filter->SetInput(reader->GetOutput());
    filter->SetModelFileName(ModelFile);
    filter->ProduceProbabilitiesOn();
    filter->ProduceEntropyOn();
    filter->ProduceDisagreementOn();
    auto writer = itk::ImageFileWriter<itk::Image<unsigned char, 3>>::New();
    writer->SetInput(filter->GetOutput());
    writer->SetFileName("labels.nii.gz");
    writer->Update();

    // The outputs lie exactly where the input lies, and the image is oblique.
    const ImageType * const image = reader->GetOutput();
    const auto * const      labels = filter->GetOutput();
    for (const itk::ImageBase<3> * const output : std::initializer_list<const itk::ImageBase<3> *>{
           labels, filter->GetProbabilities(), filter->GetEntropy(), filter->GetDisagreement() })
    {
      CHECK(output->GetOrigin() == image->GetOrigin());
      CHECK(output->GetSpacing() == image->GetSpacing());
      CHECK(output->GetDirection() == image->GetDirection());
      CHECK(output->GetBufferedRegion() == image->GetLargestPossibleRegion());
      CHECK(output->GetLargestPossibleRegion() == image->GetLargestPossibleRegion());
    }
    CHECK(std::abs(image->GetDirection()(2, 1)) > 0.1 && std::abs(image->GetDirection()(0, 2)) > 0.1);

    // Labels are equal, voxel for voxel, and there is something to see.
    const std::size_t count = image->GetLargestPossibleRegion().GetNumberOfPixels();
    const auto        library = Read<itk::Image<unsigned char, 3>>("library_labels.nii.gz");
    CHECK(library->GetPixelContainer()->Size() == count && labels->GetPixelContainer()->Size() == count);
    CHECK(std::equal(labels->GetBufferPointer(), labels->GetBufferPointer() + count, library->GetBufferPointer()));
    const std::set<unsigned char> classes(labels->GetBufferPointer(), labels->GetBufferPointer() + count);
    CHECK(classes.size() >= 2);

    // The files of both lie at the same place, for both readers.
    CHECK(SameGrid(library.GetPointer(), labels));
    const auto written = Read<itk::Image<unsigned char, 3>>("labels.nii.gz");
    CHECK(SameGrid(written.GetPointer(), labels));
    const auto by_library = coopseg::Volume::read_labels("labels.nii.gz");
    const auto by_both = coopseg::Volume::read_labels("library_labels.nii.gz");
    for (std::size_t i = 0; i < 3; ++i)
    {
      CHECK(std::abs(by_library.image().origin()[i] - by_both.image().origin()[i]) < 1e-3);
    }
    for (std::size_t i = 0; i < 9; ++i)
    {
      CHECK(std::abs(by_library.image().direction()[i] - by_both.image().direction()[i]) < 1e-5);
    }

    // Maps differ by no more than the spacing does, which the file holds in 32 bits: ITK takes it from pixdim, the
    // library from the affine.
    const auto probabilities = Read<itk::Image<float, 4>>("library_probabilities.nii.gz");
    CHECK(filter->GetProbabilities()->GetVectorLength() == 4);
    CHECK(probabilities->GetPixelContainer()->Size() == 4 * count);
    std::vector<float> transposed(4 * count);
    for (std::size_t i = 0; i < 4 * count; ++i)
    {
      transposed[i % count * 4 + i / count] = probabilities->GetBufferPointer()[i];
    }
    CHECK(Difference(transposed.data(), filter->GetProbabilities()->GetBufferPointer(), 4 * count) < 1e-5);
    const auto entropy = Read<itk::Image<float, 3>>("library_entropy.nii.gz");
    CHECK(Difference(entropy->GetBufferPointer(), filter->GetEntropy()->GetBufferPointer(), count) < 1e-4);
    const auto disagreement = Read<itk::Image<float, 3>>("library_disagreement.nii.gz");
    CHECK(Difference(disagreement->GetBufferPointer(), filter->GetDisagreement()->GetBufferPointer(), count) < 1e-4);

    // In memory, with the spacing that ITK read, everything is equal.
    const auto & spacing = image->GetSpacing();
    const auto   size = image->GetLargestPossibleRegion().GetSize();
    const auto   expected = Segment(LoadModel(),
                                  { coopseg::ImageView(image->GetBufferPointer(),
                                                       { size[0], size[1], size[2] },
                                                       { spacing[0], spacing[1], spacing[2] }) });
    CHECK(Holds(labels, expected.labels));
    CHECK(Holds(filter->GetProbabilities(), expected.probabilities));
    CHECK(Holds(filter->GetEntropy(), expected.entropy));
    CHECK(Holds(filter->GetDisagreement(), expected.disagreement));
    CHECK(filter->GetReport().find("\"slices\"") != std::string::npos);
  });
}
