// What is wrong is said by an exception of ITK with the library's message, and the filter stays usable.
#include "itkCoopSegArtefactTesting.h"

#include <functional>
#include <limits>

using namespace CoopSegTesting;

namespace
{
using ImageType = itk::Image<float, 3>;
using FilterType = itk::CoopSegArtefactImageFilter<ImageType>;

/** What was done is refused with the words; once it is undone the filter works. */
void
Refuses(const std::string & words, const std::function<void(FilterType *)> & change)
{
  auto filter = FilterType::New();
  filter->SetInput(MakeImage<ImageType>());
  filter->SetArtefact(R"({"gamma": {}})");
  filter->Update();
  change(filter);
  CHECK_THROWS(itk::ExceptionObject, words, filter->UpdateLargestPossibleRegion());
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0);
  CHECK(filter->GetAppliedParameters().empty());

  filter->SetInput(MakeImage<ImageType>());
  filter->SetArtefact(R"({"ghosting": {}})");
  filter->UpdateLargestPossibleRegion();
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 44 * 36 * 3);
  CHECK(filter->GetAppliedParameters().find("ghosting") != std::string::npos);
}

void
Artefacts()
{
  const auto refusesArtefact = [](const std::string & artefact, const std::string & words) {
    Refuses(words, [&](FilterType * filter) { filter->SetArtefact(artefact); });
  };
  refusesArtefact("", "there is no artefact; name one with SetArtefact()");
  refusesArtefact("{}", "no artefact is named");
  refusesArtefact(R"({"goasting": {}})", "goasting");
  refusesArtefact(R"({"ghosting": {"severity": 6}})", "`ghosting.severity` is 6; expected at least 1 and at most 5");
  refusesArtefact(R"({"ghosting": {}, "noise": {}})", "`ghosting` and `noise`");
  refusesArtefact(R"({"ghosting": )", "not valid JSON");
  refusesArtefact(std::string("{\"noise\": {}}\0", 14), "zero byte");
}

void
Images()
{
  Refuses("x 5, y 6, z 1", [](FilterType * filter) {
    auto image = MakeImage<ImageType>();
    image->SetPixel({ { 5, 6, 1 } }, std::numeric_limits<float>::quiet_NaN());
    filter->SetInput(image);
  });
  Refuses("size", [](FilterType * filter) {
    auto image = ImageType::New();
    image->SetRegions(ImageType::SizeType{ { 0, 4, 4 } });
    image->Allocate();
    filter->SetInput(image);
  });
  CHECK_THROWS(itk::ExceptionObject, "Primary", [] {
    auto filter = FilterType::New();
    filter->SetArtefact(R"({"gamma": {}})");
    filter->Update();
  }());
}
} // namespace

int
itkCoopSegArtefactImageFilterErrorsTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    Artefacts();
    Images();
  });
}
