#ifndef itkCoopSegTesting_h
#define itkCoopSegTesting_h

// What the tests share: checks, the models and images that the material test writes, images in memory.

#include "itkCoopSegImageFilter.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#define CHECK(condition)                                                                                               \
  do                                                                                                                   \
  {                                                                                                                    \
    if (!(condition))                                                                                                  \
    {                                                                                                                  \
      throw std::runtime_error(std::string(__FILE__) + ":" + std::to_string(__LINE__) + ": " #condition);              \
    }                                                                                                                  \
  } while (false)

/** Fails unless the expression throws an `exception` whose description holds the words. */
#define CHECK_THROWS(exception, words, expression)                                                                     \
  CheckThrows<exception>(words, [&] { expression; }, __FILE__ ":" + std::to_string(__LINE__) + ": " #expression)

namespace CoopSegTesting
{
template <typename TException, typename TFunction>
void
CheckThrows(const std::string & words, TFunction function, const std::string & where)
{
  std::string said;
  try
  {
    function();
    said = "does not throw";
  }
  catch (const TException & exception)
  {
    said = exception.GetDescription();
    if (std::string(exception.GetNameOfClass()) == TException().GetNameOfClass() &&
        said.find(words) != std::string::npos)
    {
      return;
    }
  }
  throw std::runtime_error(where + " should say \"" + words + "\", but: " + said);
}

/** Runs a test in the folder of its material; what escapes it is a failure. */
template <typename TFunction>
int
Run(int argc, char * argv[], TFunction function)
{
  if (argc != 2)
  {
    std::cerr << "usage: " << argv[0] << " FOLDER" << std::endl;
    return EXIT_FAILURE;
  }
  try
  {
    std::filesystem::current_path(argv[1]);
    function();
    return EXIT_SUCCESS;
  }
  catch (const itk::ExceptionObject & exception)
  {
    std::cerr << exception << std::endl;
  }
  catch (const std::exception & exception)
  {
    std::cerr << exception.what() << std::endl;
  }
  return EXIT_FAILURE;
}

// Written by the material test.
const char * const ModelFile = "model.coopseg";              // of one channel, trained
const char * const TwoChannelModelFile = "channels.coopseg"; // of two channels, with initial weights
const char * const ImageFile = "image.nii.gz";               // oblique

inline coopseg::Model
LoadModel(const char * file = ModelFile)
{
  return coopseg::Model::load(file);
}

/** An image with something round in it, from 0 to 100. */
template <typename TImage>
typename TImage::Pointer
MakeImage(unsigned int variant = 0, typename TImage::RegionType::IndexType start = {})
{
  constexpr unsigned int          dimension = TImage::ImageDimension;
  typename TImage::SizeType       size;
  typename TImage::SpacingType    spacing;
  typename TImage::DirectionType  direction;
  typename TImage::PointType      origin;
  for (unsigned int axis = 0; axis < dimension; ++axis)
  {
    size[axis] = axis == 0 ? 44 : axis == 1 ? 36 : 3;
    spacing[axis] = axis == 2 ? 8.0 : 1.5;
    origin[axis] = 10.5 - axis;
  }
  direction.SetIdentity();
  direction(0, 0) = direction(1, 1) = 0.8;
  direction(0, 1) = -(direction(1, 0) = 0.6);

  auto image = TImage::New();
  image->SetRegions(typename TImage::RegionType(start, size));
  image->SetSpacing(spacing);
  image->SetDirection(direction);
  image->SetOrigin(origin);
  image->Allocate();
  using Component = typename TImage::InternalPixelType;
  Component * const buffer = image->GetBufferPointer();
  const std::size_t width = size[0];
  const std::size_t height = size[1];
  const std::size_t count = image->GetBufferedRegion().GetNumberOfPixels();
  for (std::size_t pixel = 0; pixel < count; ++pixel)
  {
    const int x = static_cast<int>(pixel % width) - 20;
    const int y = static_cast<int>(pixel / width % height) - 17;
    const int z = static_cast<int>(pixel / width / height);
    const int radius = x * x + y * y + 20 * z;
    const int value = (radius < 50 ? 90 : radius < 130 ? 40 : 10) + static_cast<int>((pixel * 7919 + variant) % 11);
    buffer[pixel] = std::is_same<Component, bool>::value ? static_cast<Component>(value > 60)
                                                         : static_cast<Component>(value);
  }
  return image;
}

/** What the library makes of an image by itself. */
struct Expected
{
  std::vector<std::uint8_t> labels;
  std::vector<float>        probabilities; // the class changes fastest
  std::vector<float>        entropy;
  std::vector<float>        disagreement;
};

inline Expected
Segment(const coopseg::Model & model, const std::vector<coopseg::ImageView> & channels, std::size_t classes = 4)
{
  const coopseg::Shape shape = channels.front().shape();
  const std::size_t    count = shape.count();
  Expected             expected{ std::vector<std::uint8_t>(count),
                     std::vector<float>(count * classes),
                     std::vector<float>(count),
                     std::vector<float>(count) };
  const auto           pixel = static_cast<std::int64_t>(classes * sizeof(float));

  coopseg::SegmentationMaps maps;
  maps.labels = coopseg::BufferView(expected.labels, shape);
  maps.probabilities = coopseg::BufferView(expected.probabilities,
                                           coopseg::Shape(shape[0], shape[1], shape[2], classes),
                                           { pixel, pixel * shape[0], pixel * shape[0] * shape[1], sizeof(float) });
  maps.entropy = coopseg::BufferView(expected.entropy, shape);
  maps.disagreement = coopseg::BufferView(expected.disagreement, shape);
  coopseg::Segmenter(model).run_channels(channels, maps);
  return expected;
}

/** The voxels of an image as doubles, for the library. */
template <typename TImage>
std::vector<double>
Values(const TImage * image)
{
  const auto * const buffer = image->GetBufferPointer();
  return { buffer, buffer + image->GetPixelContainer()->Size() };
}

/** Values as an image of the size and spacing that MakeImage() gives. */
inline coopseg::ImageView
View(const std::vector<double> & values, bool flat = false)
{
  return flat ? coopseg::ImageView(values, { 44, 36 }, { 1.5, 1.5, 1.0 })
              : coopseg::ImageView(values, { 44, 36, 3 }, { 1.5, 1.5, 8.0 });
}

/** Counts the executions of a filter. */
inline std::shared_ptr<unsigned int>
CountRuns(itk::ProcessObject * filter)
{
  auto runs = std::make_shared<unsigned int>(0);
  filter->AddObserver(itk::StartEvent(), [runs](const itk::EventObject &) { ++*runs; });
  return runs;
}

/** An image source whose buffer is larger or smaller than the largest possible region that it tells of. */
template <typename TImage>
class Window : public itk::ImageSource<TImage>
{
public:
  using Self = Window;
  using Pointer = itk::SmartPointer<Self>;
  itkFactorylessNewMacro(Self);

  typename TImage::Pointer    m_Image;
  typename TImage::RegionType m_Region;

protected:
  void
  GenerateOutputInformation() override
  {
    this->GetOutput()->CopyInformation(m_Image);
    this->GetOutput()->SetLargestPossibleRegion(m_Region);
  }

  void
  GenerateData() override
  {
    this->GetOutput()->SetBufferedRegion(m_Image->GetBufferedRegion());
    this->GetOutput()->SetPixelContainer(m_Image->GetPixelContainer());
  }
};

template <typename TImage, typename TValue>
bool
Holds(const TImage * image, const std::vector<TValue> & values)
{
  const auto * const buffer = image->GetBufferPointer();
  return image->GetPixelContainer()->Size() == values.size() && std::equal(values.begin(), values.end(), buffer);
}
} // namespace CoopSegTesting

#endif
