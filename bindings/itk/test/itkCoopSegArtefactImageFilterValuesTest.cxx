// Every artefact and every type of pixels, in 2-D and 3-D, against the C function, bit for bit.
#include "itkCoopSegArtefactTesting.h"

using namespace CoopSegTesting;

namespace
{
template <typename TFilter>
typename TFilter::Pointer
Run(const typename TFilter::InputImageType * image, const std::string & artefact, std::uint64_t seed)
{
  auto filter = TFilter::New();
  filter->SetInput(image);
  filter->SetArtefact(artefact);
  filter->SetSeed(seed);
  filter->Update();
  return filter;
}

/** Every artefact; what was applied repeats it, whatever the seed. */
template <unsigned int VDimension>
void
Artefacts()
{
  using ImageType = itk::Image<float, VDimension>;
  using FilterType = itk::CoopSegArtefactImageFilter<ImageType>;
  const auto image = MakeImage<ImageType>();
  const auto values = Values(image.GetPointer());
  for (const std::string name :
       { "bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling" })
  {
    const std::string artefact = "{\"" + name + "\": {\"severity\": 4}}";
    const Spoiled     expected = Simulate(values, artefact, 9, VDimension == 2);
    const auto        filter = Run<FilterType>(image, artefact, 9);
    CHECK(Holds(filter->GetOutput(), expected.voxels));
    CHECK(filter->GetAppliedParameters() == expected.applied);
    CHECK(!Holds(filter->GetOutput(), values));
    CHECK(Values(image.GetPointer()) == values);

    const auto again = Run<FilterType>(image, expected.applied, 12345);
    CHECK(Holds(again->GetOutput(), expected.voxels));
    CHECK(again->GetAppliedParameters() == expected.applied);
    CHECK(Run<FilterType>(image, artefact, 10)->GetAppliedParameters() != expected.applied);

    CHECK(filter->GetOutput()->GetOrigin() == image->GetOrigin());
    CHECK(filter->GetOutput()->GetSpacing() == image->GetSpacing());
    CHECK(filter->GetOutput()->GetDirection() == image->GetDirection());
    CHECK(filter->GetOutput()->GetBufferedRegion() == image->GetBufferedRegion());
    CHECK(filter->GetOutput()->GetLargestPossibleRegion() == image->GetLargestPossibleRegion());
  }
}

/** Motion depends on the whole geometry. */
template <typename TPixel, unsigned int VDimension>
void
Pixels()
{
  using ImageType = itk::Image<TPixel, VDimension>;
  const auto    image = MakeImage<ImageType>();
  const auto    values = Values(image.GetPointer());
  const Spoiled expected = Simulate(values, R"({"motion": {}})", 7, VDimension == 2);
  CHECK(Holds(Run<itk::CoopSegArtefactImageFilter<ImageType>>(image, R"({"motion": {}})", 7)->GetOutput(),
              expected.voxels));
  using DoubleFilterType = itk::CoopSegArtefactImageFilter<ImageType, itk::Image<double, VDimension>>;
  CHECK(Holds(Run<DoubleFilterType>(image, R"({"motion": {}})", 7)->GetOutput(), expected.voxels));
}

template <typename... TPixels>
void
AllPixels()
{
  (Pixels<TPixels, 2>(), ...);
  (Pixels<TPixels, 3>(), ...);
}

/** Seeds and noise's own seed are of 64 bits. */
void
LargeSeeds()
{
  using ImageType = itk::Image<float, 3>;
  const auto          image = MakeImage<ImageType>();
  const std::uint64_t seed = 18446744073709551615U;
  const Spoiled       expected = Simulate(Values(image.GetPointer()), R"({"noise": {}})", seed);
  const auto filter = Run<itk::CoopSegArtefactImageFilter<ImageType>>(image, R"({"noise": {}})", seed);
  CHECK(filter->GetSeed() == seed && Holds(filter->GetOutput(), expected.voxels));
}

/** An image in 3-D of one slice has no artefacts out of its plane. */
void
OneSlice()
{
  using ImageType = itk::Image<float, 3>;
  auto                  image = MakeImage<ImageType>();
  ImageType::RegionType region;
  region.SetSize({ { 44, 36, 1 } });
  image->SetRegions(region);
  image->Allocate();
  for (unsigned int i = 0; i < 44 * 36; ++i)
  {
    image->GetBufferPointer()[i] = static_cast<float>(i % 91);
  }
  const auto    values = Values(image.GetPointer());
  const Spoiled expected = Simulate(values, R"({"ghosting": {}})", 3, false, { 44, 36, 1 });
  const auto    filter = Run<itk::CoopSegArtefactImageFilter<ImageType>>(image, R"({"ghosting": {}})", 3);
  CHECK(Holds(filter->GetOutput(), expected.voxels));
  CHECK_THROWS(itk::ExceptionObject,
               "z",
               Run<itk::CoopSegArtefactImageFilter<ImageType>>(image, R"({"ghosting": {"axis": "z"}})", 3));
}
} // namespace

int
itkCoopSegArtefactImageFilterValuesTest(int argc, char * argv[])
{
  return CoopSegTesting::Run(argc, argv, [] {
    Artefacts<2>();
    Artefacts<3>();
    AllPixels<bool,
              char,
              signed char,
              unsigned char,
              short,
              unsigned short,
              int,
              unsigned int,
              long,
              unsigned long,
              long long,
              unsigned long long,
              float,
              double,
              long double>();
    LargeSeeds();
    OneSlice();
  });
}
