// The filter among others: regions, what makes it run again, shared models, threads.
#include "itkCoopSegTesting.h"

#include "itkPipelineMonitorImageFilter.h"
#include "itkRegionOfInterestImageFilter.h"
#include "itkTestingMacros.h"

#include <functional>
#include <thread>

using namespace CoopSegTesting;

namespace
{
using ImageType = itk::Image<short, 3>;
using FilterType = itk::CoopSegImageFilter<ImageType>;

FilterType::Pointer
MakeFilter(const ImageType * image)
{
  auto filter = FilterType::New();
  filter->SetInput(image);
  filter->SetModelFileName(ModelFile);
  return filter;
}

Expected
ExpectedOf(const ImageType * image)
{
  const auto values = Values(image);
  return Segment(LoadModel(), { View(values) });
}

/** An index other than 0, from which origin and voxels follow. */
void
StartIndex()
{
  const auto image = MakeImage<ImageType>(0, { { -7, 12, 3 } });
  const auto filter = MakeFilter(image);
  filter->ProduceProbabilitiesOn();
  filter->Update();
  const auto expected = ExpectedOf(image);
  CHECK(Holds(filter->GetOutput(), expected.labels));
  CHECK(Holds(filter->GetProbabilities(), expected.probabilities));
  CHECK(filter->GetOutput()->GetBufferedRegion() == image->GetBufferedRegion());
  CHECK(filter->GetOutput()->GetOrigin() == image->GetOrigin());
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
  CHECK(Holds(filter->GetOutput(), whole.labels));
  CHECK(monitor->GetNumberOfUpdates() == 1 && monitor->VerifyAllInputCanNotStream());

  auto                  crop = itk::RegionOfInterestImageFilter<ImageType, ImageType>::New();
  ImageType::RegionType middle;
  middle.SetIndex({ { 4, 2, 1 } });
  middle.SetSize({ { 36, 30, 2 } });
  crop->SetInput(image);
  crop->SetRegionOfInterest(middle);
  filter->SetInput(crop->GetOutput());
  filter->UpdateLargestPossibleRegion();
  const auto values = Values(crop->GetOutput());
  CHECK(values.size() == 36 * 30 * 2);
  CHECK(Holds(filter->GetOutput(),
              Segment(LoadModel(), { coopseg::ImageView(values, { 36, 30, 2 }, { 1.5, 1.5, 8.0 }) }).labels));
  CHECK(filter->GetOutput()->GetOrigin() == crop->GetOutput()->GetOrigin());
}

void
BufferedRegion()
{
  auto window = Window<ImageType>::New();
  window->m_Image = MakeImage<ImageType>();
  window->m_Region.SetIndex({ { 4, 2, 1 } });
  window->m_Region.SetSize({ { 36, 30, 2 } });
  const auto filter = MakeFilter(window->GetOutput());
  filter->Update();
  CHECK(window->GetOutput()->GetBufferedRegion() == window->m_Image->GetLargestPossibleRegion());
  const auto values = Values(window->m_Image.GetPointer());
  const auto first = values.data() + 4 + 44 * (2 + 36 * 1);
  CHECK(Holds(filter->GetOutput(),
              Segment(LoadModel(),
                      { coopseg::ImageView(
                        first, { 36, 30, 2 }, { 1.5, 1.5, 8.0 }, { 8, 8 * 44, 8 * 44 * 36, 0 }) })
                .labels));
  CHECK(filter->GetOutput()->GetBufferedRegion() == window->m_Region);

  window->m_Region.SetSize({ { 100, 30, 2 } });
  window->Modified();
  CHECK_THROWS(itk::ExceptionObject, "input 0 holds the region", filter->UpdateLargestPossibleRegion());
  CHECK(filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0);
}

bool
ProcessorHasBfloat16()
{
  try
  {
    coopseg::Segmenter(LoadModel(), R"({"device": "cpu", "precision": "bfloat16"})");
    return true;
  }
  catch (const coopseg::Error &)
  {
    return false;
  }
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
    const auto         time = filter->GetMTime();
    set();
    CHECK(filter->GetMTime() > time);
    filter->Update();
    CHECK(*runs == before + 1);
    set();
    filter->Update();
    CHECK(*runs == before + 1);
  };
  again([&] { filter->SetIterations(0); });
  again([&] { filter->SetDevice("cpu"); });
  again([&] { filter->SetChunk(1); });
  if (ProcessorHasBfloat16())
  {
    again([&] { filter->SetPrecision("bfloat16"); });
    again([&] { filter->SetPrecision("float32"); });
  }
  else
  {
    filter->SetPrecision("bfloat16");
    CHECK_THROWS(itk::ExceptionObject, "bfloat16 instructions", filter->Update());
    filter->SetPrecision("float32");
    filter->Update();
  }
  again([&] { filter->SetProduceProbabilities(true); });
  again([&] { filter->SetProduceEntropy(true); });
  again([&] { filter->SetProduceDisagreement(true); });
  again([&] { filter->SetProduceEntropy(false); });
  std::filesystem::copy_file(ModelFile, "copy.coopseg", std::filesystem::copy_options::overwrite_existing);
  again([&] { filter->SetModelFileName("copy.coopseg"); });
  const auto model = std::make_shared<const coopseg::Model>(LoadModel());
  again([&] { filter->SetModel(model); });
  CHECK(filter->GetModel() == model && filter->GetModelFileName().empty());
  again([&] { filter->SetModelFileName(ModelFile); });
  CHECK(filter->GetModel() != model && filter->GetModel() != nullptr);

  image->Modified();
  const unsigned int before = *runs;
  filter->Update();
  CHECK(*runs == before + 1);

  // The options reach the library: without the second network the labels are those of the first.
  filter->SetIterations(0);
  filter->Update();
  const auto                values = Values(image.GetPointer());
  std::vector<std::uint8_t> first(values.size());
  coopseg::SegmentationMaps maps;
  maps.fast_labels = coopseg::BufferView(first, { 44, 36, 3 });
  coopseg::Segmenter(LoadModel()).run(View(values), maps);
  CHECK(Holds(filter->GetOutput(), first));
  filter->SetIterations(1);
  filter->Update();
  CHECK(Holds(filter->GetOutput(), ExpectedOf(image).labels));
}

/** The further outputs come and go, and lead on to other filters like the first. */
void
Outputs()
{
  const auto image = MakeImage<ImageType>();
  const auto filter = MakeFilter(image);
  const auto expected = ExpectedOf(image);
  CHECK(!filter->GetProduceProbabilities() && filter->GetProbabilities() == nullptr);
  CHECK(!filter->GetProduceEntropy() && filter->GetEntropy() == nullptr);
  CHECK(!filter->GetProduceDisagreement() && filter->GetDisagreement() == nullptr);
  filter->Update();

  filter->ProduceProbabilitiesOn();
  filter->ProduceEntropyOn();
  const auto constant = static_cast<const FilterType *>(filter.GetPointer());
  CHECK(filter->GetProbabilities() == constant->GetProbabilities() && constant->GetProbabilities() != nullptr);
  CHECK(filter->GetEntropy() == constant->GetEntropy() && constant->GetEntropy() != nullptr);
  CHECK(constant->GetDisagreement() == nullptr);
  filter->GetEntropy()->Update();
  CHECK(Holds(filter->GetEntropy(), expected.entropy));
  CHECK(Holds(filter->GetProbabilities(), expected.probabilities));
  CHECK(Holds(filter->GetOutput(), expected.labels));

  // An output that was taken away stays as it is, and the filter makes another.
  FilterType::ProbabilityImageType::Pointer taken = filter->GetProbabilities();
  taken->DisconnectPipeline();
  CHECK(filter->GetProbabilities() != taken && filter->GetProbabilities() != nullptr);
  filter->SetIterations(0);
  filter->Update();
  CHECK(Holds(taken.GetPointer(), expected.probabilities));
  CHECK(!Holds(filter->GetProbabilities(), expected.probabilities));
  CHECK(filter->GetProbabilities()->GetVectorLength() == 4);

  filter->ProduceProbabilitiesOff();
  filter->ProduceEntropyOff();
  filter->Update();
  CHECK(filter->GetProbabilities() == nullptr && filter->GetEntropy() == nullptr);
}

/** A model file is read when it is needed first, by filters that share it once; filters run at once. */
void
Sharing()
{
  const auto image = MakeImage<ImageType>();
  const auto expected = ExpectedOf(image);
  const auto filter = MakeFilter(image);
  CHECK(filter->GetModel() == nullptr);
  filter->UpdateOutputInformation();
  CHECK(filter->GetModel() != nullptr);

  const auto                       handles = coopseg::live_handles();
  std::vector<FilterType::Pointer> filters;
  for (unsigned int i = 0; i < 3; ++i)
  {
    filters.push_back(FilterType::New());
    filters.back()->SetInput(MakeImage<ImageType>());
    filters.back()->SetModel(filter->GetModel());
  }
  // Not bool, since the elements of a std::vector<bool> share bytes.
  std::vector<int>         outcomes(filters.size(), 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < filters.size(); ++i)
  {
    threads.emplace_back([&, i] {
      filters[i]->Update();
      outcomes[i] = Holds(filters[i]->GetOutput(), expected.labels) ? 1 : 0;
    });
  }
  for (auto & thread : threads)
  {
    thread.join();
  }
  CHECK(outcomes == std::vector<int>(filters.size(), 1));
  filters.clear();
  CHECK(coopseg::live_handles() == handles);
}
} // namespace

int
itkCoopSegImageFilterPipelineTest(int argc, char * argv[])
{
  auto filter = FilterType::New();
  ITK_EXERCISE_BASIC_OBJECT_METHODS(filter, CoopSegImageFilter, ImageToImageFilter);
  return Run(argc, argv, [] {
    StartIndex();
    Regions();
    BufferedRegion();
    Modification();
    Outputs();
    Sharing();
    CHECK(coopseg::live_handles() == 0);
  });
}
