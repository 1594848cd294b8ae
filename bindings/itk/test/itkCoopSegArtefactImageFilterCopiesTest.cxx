// The library gets the very buffers of input and output. This program's own function of the same name stands before the
// library's, looks at what it gets and passes it on.
#include "itkCoopSegArtefactTesting.h"

#include <dlfcn.h>

using namespace CoopSegTesting;

namespace
{
struct Passed
{
  coopseg_image  image;
  coopseg_buffer output;
};
// Filters of other tests run at once.
thread_local Passed passed;
coopseg_status      refusal = COOPSEG_OK;
} // namespace

extern "C" coopseg_status
coopseg_artefact_simulate(const coopseg_image *  image,
                          const char *           artefact_json,
                          uint64_t               seed,
                          const coopseg_buffer * output,
                          char **                out_parameters)
{
  passed = { *image, *output };
  if (refusal != COOPSEG_OK)
  {
    return refusal;
  }
  static const auto next =
    reinterpret_cast<decltype(&coopseg_artefact_simulate)>(dlsym(RTLD_NEXT, "coopseg_artefact_simulate"));
  return next(image, artefact_json, seed, output, out_parameters);
}

namespace
{
template <typename TPixel, typename TOutput>
void
Buffers(int32_t pixelType, int32_t outputType, bool copiesPixels)
{
  using ImageType = itk::Image<TPixel, 3>;
  auto       filter = itk::CoopSegArtefactImageFilter<ImageType, itk::Image<TOutput, 3>>::New();
  const auto image = MakeImage<ImageType>();
  filter->SetInput(image);
  filter->SetArtefact(R"({"noise": {}})");
  filter->Update();
  CHECK(passed.image.dtype == pixelType && passed.output.dtype == outputType);
  CHECK((passed.image.data == image->GetBufferPointer()) != copiesPixels);
  CHECK(passed.output.data == filter->GetOutput()->GetBufferPointer());
}

/** Where the image lies goes on too, seen from its first voxel. */
void
Geometry()
{
  using ImageType = itk::Image<float, 3>;
  auto       filter = itk::CoopSegArtefactImageFilter<ImageType>::New();
  const auto image = MakeImage<ImageType>(0, { { 2, -3, 5 } });
  filter->SetInput(image);
  filter->SetArtefact(R"({"noise": {}})");
  filter->Update();
  itk::Point<double, 3> corner;
  image->TransformIndexToPhysicalPoint(image->GetLargestPossibleRegion().GetIndex(), corner);
  CHECK(passed.image.ndim == 3 && passed.image.shape[2] == 3 && passed.output.shape[0] == 44);
  for (unsigned int row = 0; row < 3; ++row)
  {
    CHECK(passed.image.origin[row] == corner[row]);
    CHECK(passed.image.spacing[row] == image->GetSpacing()[row]);
    for (unsigned int column = 0; column < 3; ++column)
    {
      CHECK(passed.image.direction[3 * row + column] == image->GetDirection()(row, column));
    }
  }
}

/** What only a machine without memory would show. */
void
OutOfMemory()
{
  using ImageType = itk::Image<float, 3>;
  auto filter = itk::CoopSegArtefactImageFilter<ImageType>::New();
  filter->SetInput(MakeImage<ImageType>());
  filter->SetArtefact(R"({"noise": {}})");
  refusal = COOPSEG_OUT_OF_MEMORY;
  CHECK_THROWS(itk::MemoryAllocationError, "CoopSegArtefactImageFilter", filter->Update());
  CHECK(filter->GetAppliedParameters().empty());
  refusal = COOPSEG_OK;
  filter->Update();
}
} // namespace

int
itkCoopSegArtefactImageFilterCopiesTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    Buffers<float, float>(COOPSEG_F32, COOPSEG_F32, false);
    Buffers<short, double>(COOPSEG_I16, COOPSEG_F64, false);
    Buffers<unsigned long, float>(COOPSEG_U64, COOPSEG_F32, false);
    Buffers<bool, float>(COOPSEG_U8, COOPSEG_F32, false);
    Buffers<long double, double>(COOPSEG_F64, COOPSEG_F64, true);
    Geometry();
    OutOfMemory();
  });
}
