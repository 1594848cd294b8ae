// The library gets the very buffers of inputs and outputs. This program's own function of the same name stands before
// the library's, looks at what it gets and passes it on.
#include "itkCoopSegTesting.h"

#include <dlfcn.h>

using namespace CoopSegTesting;

namespace
{
struct Passed
{
  std::vector<coopseg_image> channels;
  coopseg_buffer             labels;
  coopseg_buffer             probabilities;
};
// Filters of other tests run at once.
thread_local Passed passed;
coopseg_status      refusal = COOPSEG_OK;
} // namespace

extern "C" coopseg_status
coopseg_segmenter_run_channels(const coopseg_segmenter *     segmenter,
                               const coopseg_image * const * channels,
                               int32_t                       channel_count,
                               const coopseg_segmentation *  outputs,
                               coopseg_segmentation_callback callback,
                               void *                        user_data,
                               char **                       out_report)
{
  passed = {};
  for (int32_t channel = 0; channel < channel_count; ++channel)
  {
    passed.channels.push_back(*channels[channel]);
  }
  passed.labels = *outputs->labels;
  if (outputs->probabilities != nullptr)
  {
    passed.probabilities = *outputs->probabilities;
  }
  if (refusal != COOPSEG_OK)
  {
    return refusal;
  }
  static const auto next =
    reinterpret_cast<decltype(&coopseg_segmenter_run_channels)>(dlsym(RTLD_NEXT, "coopseg_segmenter_run_channels"));
  return next(segmenter, channels, channel_count, outputs, callback, user_data, out_report);
}

namespace
{
template <typename TPixel, typename TLabel>
void
Buffers(int32_t pixelType, int32_t labelType, bool copiesPixels, bool copiesLabels)
{
  using ImageType = itk::Image<TPixel, 3>;
  auto       filter = itk::CoopSegImageFilter<ImageType, itk::Image<TLabel, 3>>::New();
  const auto image = MakeImage<ImageType>();
  filter->SetInput(image);
  filter->SetModelFileName(ModelFile);
  filter->ProduceProbabilitiesOn();
  filter->Update();
  CHECK(passed.channels.size() == 1);
  CHECK(passed.channels[0].dtype == pixelType && passed.labels.dtype == labelType);
  CHECK((passed.channels[0].data == image->GetBufferPointer()) != copiesPixels);
  CHECK((passed.labels.data == filter->GetOutput()->GetBufferPointer()) != copiesLabels);
  CHECK(passed.probabilities.data == filter->GetProbabilities()->GetBufferPointer());
}

/** Where the image lies goes on too, seen from its first voxel. */
void
Geometry()
{
  using ImageType = itk::Image<float, 3>;
  auto       filter = itk::CoopSegImageFilter<ImageType>::New();
  const auto image = MakeImage<ImageType>(0, { { 2, -3, 5 } });
  filter->SetInput(image);
  filter->SetModelFileName(ModelFile);
  filter->Update();
  itk::Point<double, 3> corner;
  image->TransformIndexToPhysicalPoint(image->GetLargestPossibleRegion().GetIndex(), corner);
  for (unsigned int row = 0; row < 3; ++row)
  {
    CHECK(passed.channels[0].origin[row] == corner[row]);
    CHECK(passed.channels[0].spacing[row] == image->GetSpacing()[row]);
    for (unsigned int column = 0; column < 3; ++column)
    {
      CHECK(passed.channels[0].direction[3 * row + column] == image->GetDirection()(row, column));
    }
  }

  using FlatType = itk::Image<float, 2>;
  auto       flat = itk::CoopSegImageFilter<FlatType>::New();
  const auto slice = MakeImage<FlatType>();
  flat->SetInput(slice);
  flat->SetModelFileName(ModelFile);
  flat->Update();
  CHECK(passed.channels[0].ndim == 2 && passed.channels[0].spacing[1] == slice->GetSpacing()[1]);
  CHECK(passed.channels[0].origin[1] == slice->GetOrigin()[1]);
  CHECK(passed.channels[0].direction[3] == 0.6 && passed.channels[0].direction[8] == 1.0);
}

/** What only a machine without memory would show. */
void
OutOfMemory()
{
  using ImageType = itk::Image<float, 3>;
  auto filter = itk::CoopSegImageFilter<ImageType>::New();
  filter->SetInput(MakeImage<ImageType>());
  filter->SetModelFileName(ModelFile);
  refusal = COOPSEG_OUT_OF_MEMORY;
  CHECK_THROWS(itk::MemoryAllocationError, "CoopSegImageFilter", filter->Update());
  refusal = COOPSEG_OK;
  filter->Update();
}
} // namespace

int
itkCoopSegImageFilterCopiesTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    Buffers<float, unsigned char>(COOPSEG_F32, COOPSEG_U8, false, false);
    Buffers<short, int>(COOPSEG_I16, COOPSEG_I32, false, false);
    Buffers<signed char, short>(COOPSEG_I8, COOPSEG_I16, false, false);
    Buffers<unsigned long, unsigned long>(COOPSEG_U64, COOPSEG_U64, false, false);
    Buffers<bool, unsigned char>(COOPSEG_U8, COOPSEG_U8, false, false);
    Buffers<double, float>(COOPSEG_F64, COOPSEG_U8, false, true);
    Buffers<long double, bool>(COOPSEG_F64, COOPSEG_U8, true, true);
    Geometry();
    OutOfMemory();
  });
}
