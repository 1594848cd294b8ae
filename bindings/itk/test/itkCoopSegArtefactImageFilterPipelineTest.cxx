// The filter among others: regions, what makes it run again, progress, ends before the end, threads.
#include "itkCoopSegArtefactTesting.h"

#include "itkPipelineMonitorImageFilter.h"
#include "itkRegionOfInterestImageFilter.h"
#include "itkTestingMacros.h"

#include <cmath>
#include <functional>
#include <thread>

using namespace CoopSegTesting;

namespace
{
using ImageType = itk::Image<short, 3>;
using FilterType = itk::CoopSegArtefactImageFilter<ImageType>;

const char * const Motion = R"({"motion": {"severity": 3}})";

FilterType::Pointer
MakeFilter(const ImageType * image)
{
  auto filter = FilterType::New();
  filter->SetInput(image);
  filter->SetArtefact(Motion);
  filter->SetSeed(5);
  return filter;
}

Spoiled
ExpectedOf(const ImageType * image)
{
  return Simulate(Values(image), Motion, 5);
}

/** Largest difference of two voxels. */
double
Difference(const FilterType::OutputImageType * image, const Spoiled & expected)
{
  double largest = 0;
  for (std::size_t i = 0; i < expected.voxels.size(); ++i)
  {
    largest = std::max(largest, std::abs(static_cast<double>(image->GetBufferPointer()[i]) - expected.voxels[i]));
  }
  return largest;
}

/** Where the voxel of an index of an image of MakeImage() lies. */
std::array<double, 3>
PlaceOf(double x, double y, double z)
{
  return { 10.5 + 1.5 * (0.8 * x - 0.6 * y), 9.5 + 1.5 * (0.6 * x + 0.8 * y), 8.5 + 8.0 * z };
}

/** An index other than 0, from which origin and voxels follow. */
void
StartIndex()
{
  const auto        image = MakeImage<ImageType>(0, { { -8, 12, 4 } });
  const auto        values = Values(image.GetPointer());
  const std::string blur = R"({"blur": {"sigma": 3}})";
  const auto        filter = MakeFilter(image);
  filter->SetArtefact(blur);
  filter->Update();
  CHECK(Holds(filter->GetOutput(), Simulate(values, blur, 5).voxels));
  CHECK(filter->GetOutput()->GetBufferedRegion() == image->GetBufferedRegion());
  CHECK(filter->GetOutput()->GetOrigin() == image->GetOrigin());

  // Motion turns about the world's origin, so the place of the first voxel counts, which ITK rounds differently.
  filter->SetArtefact(Motion);
  filter->Update();
  const Spoiled there = Simulate(values, Motion, 5, false, { 44, 36, 3 }, PlaceOf(-8, 12, 4));
  CHECK(Difference(filter->GetOutput(), there) < 1e-3);
  CHECK(Difference(filter->GetOutput(), ExpectedOf(image)) > 1);
}

/** A region of a larger image, cut out by a filter before this one; a smaller request by one after it. */
void
Regions()
{
  const auto image = MakeImage<ImageType>();
  const auto whole = ExpectedOf(image);

  // Asked for a corner, the filter gives the whole image, and asks for it. The monitor takes its input's buffer away.
  auto       monitor = itk::PipelineMonitorImageFilter<ImageType>::New();
  const auto filter = MakeFilter(monitor->GetOutput());
  monitor->SetInput(MakeImage<ImageType>());
  filter->UpdateOutputInformation();
  ImageType::RegionType corner;
  corner.SetSize({ { 3, 2, 1 } });
  filter->GetOutput()->SetRequestedRegion(corner);
  filter->Update();
  CHECK(Holds(filter->GetOutput(), whole.voxels));
  CHECK(monitor->GetNumberOfUpdates() == 1 && monitor->VerifyAllInputCanNotStream());

  auto                  crop = itk::RegionOfInterestImageFilter<ImageType, ImageType>::New();
  ImageType::RegionType middle;
  middle.SetIndex({ { 4, 2, 1 } });
  middle.SetSize({ { 36, 30, 2 } });
  crop->SetInput(image);
  crop->SetRegionOfInterest(middle);
  filter->SetInput(crop->GetOutput());
  filter->SetArtefact(R"({"blur": {"sigma": 3}})");
  filter->UpdateLargestPossibleRegion();
  const Spoiled expected = Simulate(Values(crop->GetOutput()), R"({"blur": {"sigma": 3}})", 5, false, { 36, 30, 2 });
  CHECK(Holds(filter->GetOutput(), expected.voxels));
  CHECK(filter->GetOutput()->GetOrigin() == crop->GetOutput()->GetOrigin());
}

/** A buffer that is larger or smaller than the image. */
void
BufferedRegion()
{
  auto window = Window<ImageType>::New();
  window->m_Image = MakeImage<ImageType>();
  window->m_Region.SetIndex({ { 4, 2, 1 } });
  window->m_Region.SetSize({ { 36, 30, 2 } });
  const auto filter = MakeFilter(window->GetOutput());
  filter->SetArtefact(R"({"noise": {"std": 0.5, "seed": 8}})");
  filter->Update();
  CHECK(window->GetOutput()->GetBufferedRegion() == window->m_Image->GetLargestPossibleRegion());
  std::vector<double> inside;
  for (itk::IndexValueType z = 1; z < 3; ++z)
  {
    for (itk::IndexValueType y = 2; y < 32; ++y)
    {
      for (itk::IndexValueType x = 4; x < 40; ++x)
      {
        inside.push_back(window->m_Image->GetPixel({ { x, y, z } }));
      }
    }
  }
  CHECK(Holds(filter->GetOutput(), Simulate(inside, filter->GetArtefact(), 5, false, { 36, 30, 2 }).voxels));
  CHECK(filter->GetOutput()->GetBufferedRegion() == window->m_Region);

  window->m_Region.SetSize({ { 100, 30, 2 } });
  window->Modified();
  CHECK_THROWS(itk::ExceptionObject, "the input holds the region", filter->UpdateLargestPossibleRegion());
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0);
}

/** What was set runs the filter again, once; what was set to the value that it had does not. */
void
Modification()
{
  const auto image = MakeImage<ImageType>();
  const auto filter = MakeFilter(image);
  const auto runs = CountRuns(filter);
  filter->Update();
  filter->Update();
  CHECK(*runs == 1);

  const auto again = [&](const std::function<void()> & set) {
    const unsigned int before = *runs;
    set();
    filter->Update();
    CHECK(*runs == before + 1);
    set();
    filter->Update();
    CHECK(*runs == before + 1);
  };
  again([&] { filter->SetSeed(6); });
  again([&] { filter->SetArtefact(R"({"noise": {}})"); });
  again([&] {
    filter->SetArtefact(Motion);
    filter->SetSeed(5);
  });
  image->Modified();
  const unsigned int before = *runs;
  filter->Update();
  CHECK(*runs == before + 1);
  CHECK(Holds(filter->GetOutput(), ExpectedOf(image).voxels));
}

/** Aborted at a progress, and then run again. */
void
Abort(float at)
{
  const auto         image = MakeImage<ImageType>();
  const auto         filter = MakeFilter(image);
  std::vector<float> progress;
  bool               abort = true;
  filter->AddObserver(itk::ProgressEvent(), [&](const itk::EventObject &) {
    progress.push_back(filter->GetProgress());
    if (abort && progress.back() == at)
    {
      filter->AbortGenerateDataOn();
    }
  });
  CHECK_THROWS(itk::ProcessAborted, "aborted", filter->Update());
  CHECK(progress.back() == at && filter->GetAppliedParameters().empty());
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0);

  abort = false;
  progress.clear();
  filter->Update();
  CHECK(progress == (std::vector<float>{ 0.0F, 1.0F }));
  CHECK(Holds(filter->GetOutput(), ExpectedOf(image).voxels));
}

/** Filters run at once and give the same bits. */
void
Threads()
{
  const auto                       expected = ExpectedOf(MakeImage<ImageType>());
  std::vector<FilterType::Pointer> filters;
  std::vector<std::thread>         threads;
  for (unsigned int i = 0; i < 3; ++i)
  {
    filters.push_back(MakeFilter(MakeImage<ImageType>()));
  }
  for (const auto & filter : filters)
  {
    threads.emplace_back([&filter] { filter->Update(); });
  }
  for (auto & thread : threads)
  {
    thread.join();
  }
  for (const auto & filter : filters)
  {
    CHECK(Holds(filter->GetOutput(), expected.voxels) && filter->GetAppliedParameters() == expected.applied);
  }
}
} // namespace

int
itkCoopSegArtefactImageFilterPipelineTest(int argc, char * argv[])
{
  auto filter = FilterType::New();
  ITK_EXERCISE_BASIC_OBJECT_METHODS(filter, CoopSegArtefactImageFilter, ImageToImageFilter);
  return Run(argc, argv, [] {
    StartIndex();
    Regions();
    BufferedRegion();
    Modification();
    Abort(0.0F);
    Abort(1.0F);
    Threads();
  });
}
