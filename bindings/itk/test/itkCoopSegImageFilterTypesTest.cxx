// Every type of pixels and labels, in 2-D and 3-D, of one and several channels.
#include "itkCoopSegTesting.h"

using namespace CoopSegTesting;

namespace
{
/** Shared by all filters. */
std::shared_ptr<const coopseg::Model> model;

template <typename TPixel, unsigned int VDimension>
void
Pixels()
{
  using ImageType = itk::Image<TPixel, VDimension>;
  const auto image = MakeImage<ImageType>();
  const auto values = Values(image.GetPointer());
  const auto expected = Segment(*model, { View(values, VDimension == 2) });

  auto filter = itk::CoopSegImageFilter<ImageType>::New();
  filter->SetInput(image);
  filter->SetModel(model);
  filter->ProduceProbabilitiesOn();
  filter->ProduceEntropyOn();
  filter->ProduceDisagreementOn();
  filter->Update();
  CHECK(Holds(filter->GetOutput(), expected.labels));
  CHECK(Holds(filter->GetProbabilities(), expected.probabilities));
  CHECK(Holds(filter->GetEntropy(), expected.entropy));
  CHECK(Holds(filter->GetDisagreement(), expected.disagreement));
  CHECK(filter->GetOutput()->GetDirection() == image->GetDirection());
  CHECK(filter->GetOutput()->GetOrigin() == image->GetOrigin());
}

template <typename... TPixels>
void
AllPixels()
{
  (Pixels<TPixels, 2>(), ...);
  (Pixels<TPixels, 3>(), ...);
}

template <typename TLabel>
void
Labels()
{
  using ImageType = itk::Image<short, 3>;
  const auto image = MakeImage<ImageType>();
  const auto values = Values(image.GetPointer());
  const auto classes = Segment(*model, { View(values) }).labels;
  auto       filter = itk::CoopSegImageFilter<ImageType, itk::Image<TLabel, 3>>::New();
  filter->SetInput(image);
  filter->SetModel(model);
  filter->Update();
  std::vector<TLabel> expected;
  bool                anything = false;
  for (const auto label : classes)
  {
    expected.push_back(static_cast<TLabel>(label));
    anything = anything || label != 0;
  }
  CHECK(anything && Holds(filter->GetOutput(), expected));
}

template <typename... TLabels>
void
AllLabels()
{
  (Labels<TLabels>(), ...);
}

/** A model of two channels gets an input per channel, or a component of an itk::VectorImage per channel. */
template <typename TPixel>
void
Channels(const std::shared_ptr<const coopseg::Model> & twoChannels)
{
  using ImageType = itk::Image<TPixel, 3>;
  const auto first = MakeImage<ImageType>();
  const auto second = MakeImage<ImageType>(5);
  const auto firstValues = Values(first.GetPointer());
  const auto secondValues = Values(second.GetPointer());
  const auto expected = Segment(*twoChannels, { View(firstValues), View(secondValues) });
  const auto swapped = Segment(*twoChannels, { View(secondValues), View(firstValues) });
  CHECK(expected.probabilities != swapped.probabilities);

  auto filter = itk::CoopSegImageFilter<ImageType>::New();
  filter->SetInput(0, first);
  filter->SetInput(1, second);
  filter->SetModel(twoChannels);
  filter->ProduceProbabilitiesOn();
  filter->Update();
  CHECK(Holds(filter->GetProbabilities(), expected.probabilities));

  using VectorImageType = itk::VectorImage<TPixel, 3>;
  auto both = VectorImageType::New();
  both->CopyInformation(first);
  both->SetRegions(first->GetLargestPossibleRegion());
  both->SetVectorLength(2);
  both->Allocate();
  for (std::size_t i = 0; i < firstValues.size(); ++i)
  {
    both->GetBufferPointer()[2 * i] = first->GetBufferPointer()[i];
    both->GetBufferPointer()[2 * i + 1] = second->GetBufferPointer()[i];
  }
  auto ofVectors = itk::CoopSegImageFilter<VectorImageType>::New();
  ofVectors->SetInput(both);
  ofVectors->SetModel(twoChannels);
  ofVectors->ProduceProbabilitiesOn();
  ofVectors->Update();
  CHECK(ofVectors->GetProbabilities()->GetVectorLength() == 4);
  CHECK(Holds(ofVectors->GetProbabilities(), expected.probabilities));
  CHECK(ofVectors->GetOutput()->GetSpacing() == first->GetSpacing());
}
} // namespace

int
itkCoopSegImageFilterTypesTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    model = std::make_shared<const coopseg::Model>(LoadModel());
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
    AllLabels<bool, char, signed char, short, unsigned short, int, unsigned long, long long, float, double>();
    const auto twoChannels = std::make_shared<const coopseg::Model>(LoadModel(TwoChannelModelFile));
    Channels<float>(twoChannels);
    Channels<short>(twoChannels);
    Channels<long double>(twoChannels);
    model = nullptr;
  });
}
