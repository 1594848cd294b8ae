// What is wrong is said by an exception of ITK with the library's message, and the filter stays usable.
#include "itkCoopSegTesting.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

using namespace CoopSegTesting;

namespace
{
using ImageType = itk::Image<float, 3>;
using FilterType = itk::CoopSegImageFilter<ImageType>;

FilterType::Pointer
MakeFilter()
{
  auto filter = FilterType::New();
  filter->SetInput(MakeImage<ImageType>());
  filter->SetModelFileName(ModelFile);
  return filter;
}

/** What was done is refused with the words; once it is undone the filter works. */
void
Refuses(const std::string & words, const std::function<void(FilterType *)> & change)
{
  const auto filter = MakeFilter();
  change(filter);
  CHECK_THROWS(itk::ExceptionObject, words, filter->Update());
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0);

  filter->SetInput(2, nullptr);
  filter->SetInput(1, nullptr);
  filter->SetInput(MakeImage<ImageType>());
  filter->SetModelFileName(ModelFile);
  filter->SetDevice("auto");
  filter->SetIterations(1);
  filter->SetPrecision("float32");
  filter->SetChunk(0);
  filter->Update();
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 44 * 36 * 3);
}

void
Models()
{
  Refuses("there is no model", [](FilterType * filter) { filter->SetModelFileName(""); });
  Refuses("there is no model", [](FilterType * filter) { filter->SetModel(nullptr); });
  Refuses("none.coopseg: no such file", [](FilterType * filter) { filter->SetModelFileName("none.coopseg"); });
  std::ofstream("broken.coopseg") << "not a model";
  Refuses("broken.coopseg", [](FilterType * filter) { filter->SetModelFileName("broken.coopseg"); });
  Refuses("", [](FilterType * filter) {
    auto model = LoadModel();
    auto moved = std::move(model);
    filter->SetModel(std::make_shared<const coopseg::Model>(std::move(model)));
  });
  Refuses("channel", [](FilterType * filter) { filter->SetModelFileName(TwoChannelModelFile); });
}

void
Options()
{
  Refuses("nowhere \\\"", [](FilterType * filter) { filter->SetDevice("nowhere \\\"\n\x01"); });
  Refuses("cuda:63", [](FilterType * filter) { filter->SetDevice("cuda:63"); });
  Refuses("101", [](FilterType * filter) { filter->SetIterations(101); });
  Refuses("float16", [](FilterType * filter) { filter->SetPrecision("float16"); });
  Refuses("4097", [](FilterType * filter) { filter->SetChunk(4097); });
}

void
Images()
{
  Refuses("constant", [](FilterType * filter) {
    auto image = MakeImage<ImageType>();
    image->FillBuffer(3);
    filter->SetInput(image);
  });
  Refuses("NaN", [](FilterType * filter) {
    auto image = MakeImage<ImageType>();
    image->SetPixel({ { 5, 6, 1 } }, std::numeric_limits<float>::quiet_NaN());
    filter->SetInput(image);
  });
  CHECK_THROWS(itk::ExceptionObject, "Primary", [] {
    auto filter = FilterType::New();
    filter->SetModelFileName(ModelFile);
    filter->Update();
  }());
}

/** Inputs of a model of several channels. */
void
Channels()
{
  Refuses("channel", [](FilterType * filter) { filter->SetInput(1, MakeImage<ImageType>(2)); });
  Refuses("input 1 is missing", [](FilterType * filter) { filter->SetInput(2, MakeImage<ImageType>(2)); });
  Refuses("same physical space", [](FilterType * filter) {
    auto       other = MakeImage<ImageType>(2);
    const auto spacing = other->GetSpacing() * 1.1;
    other->SetSpacing(spacing);
    filter->SetInput(1, other);
  });
  Refuses("input 1 has the region", [](FilterType * filter) {
    filter->SetInput(1, MakeImage<ImageType>(2, { { 0, 0, 1 } }));
  });

  // With the tolerance that the caller chose, grids that differ a little are one.
  auto       filter = MakeFilter();
  auto       other = MakeImage<ImageType>(2);
  const auto spacing = other->GetSpacing() * 1.001;
  other->SetSpacing(spacing);
  filter->SetInput(1, other);
  filter->SetModelFileName(TwoChannelModelFile);
  filter->SetCoordinateTolerance(0.1);
  filter->Update();
  CHECK(filter->GetOutput()->GetSpacing() == filter->GetInput(0)->GetSpacing());
}

/** A label type that cannot hold every class. */
void
ManyClasses()
{
  std::string names = "\"background\"";
  for (int i = 1; i < 200; ++i)
  {
    names += ", \"" + std::to_string(i) + "\"";
  }
  const auto model = std::make_shared<const coopseg::Model>(
    coopseg::Model(R"({"network": {"width": 2, "classes": [)" + names +
                   R"(]}, "seed": 1, "preprocess": {"spacing": null, "pad": [32, 32], "crop": [32, 32]}})"));
  auto narrow = itk::CoopSegImageFilter<ImageType, itk::Image<signed char, 3>>::New();
  narrow->SetInput(MakeImage<ImageType>());
  narrow->SetModel(model);
  CHECK_THROWS(itk::ExceptionObject, "cannot hold 200 classes", narrow->Update());

  auto filter = MakeFilter();
  filter->SetModel(model);
  filter->ProduceProbabilitiesOn();
  filter->Update();
  CHECK(filter->GetProbabilities()->GetVectorLength() == 200);
  filter->SetModelFileName(ModelFile);
  filter->Update();
  CHECK(filter->GetProbabilities()->GetVectorLength() == 4);
}
} // namespace

int
itkCoopSegImageFilterErrorsTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    Models();
    Options();
    Images();
    Channels();
    ManyClasses();
    CHECK(coopseg::live_handles() == 0);
  });
}
