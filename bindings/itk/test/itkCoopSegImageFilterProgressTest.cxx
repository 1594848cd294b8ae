// Progress, and ends before the end.
#include "itkCoopSegTesting.h"

#include <functional>

using namespace CoopSegTesting;

namespace
{
using ImageType = itk::Image<float, 3>;
using FilterType = itk::CoopSegImageFilter<ImageType>;

struct Listener
{
  FilterType::Pointer        filter = FilterType::New();
  std::vector<float>         progress;
  unsigned int               aborts = 0;
  unsigned int               ends = 0;
  std::function<void(float)> act = [](float) {};

  Listener()
  {
    filter->SetInput(MakeImage<ImageType>());
    filter->SetModelFileName(ModelFile);
    filter->AddObserver(itk::ProgressEvent(), [this](const itk::EventObject &) {
      progress.push_back(filter->GetProgress());
      act(filter->GetProgress());
    });
    filter->AddObserver(itk::AbortEvent(), [this](const itk::EventObject &) { ++aborts; });
    filter->AddObserver(itk::EndEvent(), [this](const itk::EventObject &) { ++ends; });
  }

  bool
  IsEmpty() const
  {
    return filter->GetOutput()->GetBufferedRegion().GetNumberOfPixels() == 0;
  }
};

void
Progress()
{
  Listener listener;
  listener.filter->Update();
  CHECK(std::is_sorted(listener.progress.begin(), listener.progress.end()));
  CHECK(listener.progress.size() >= 4);
  CHECK(listener.progress.front() == 0.0F && listener.progress.back() == 1.0F);
  CHECK(listener.ends == 1 && listener.aborts == 0);
}

/** Aborted at a progress of at least `from`, and then run again. */
void
Abort(float from)
{
  Listener listener;
  listener.filter->ProduceProbabilitiesOn();
  listener.act = [&](float progress) {
    if (progress >= from)
    {
      listener.filter->AbortGenerateDataOn();
    }
  };
  CHECK_THROWS(itk::ProcessAborted, "aborted", listener.filter->Update());
  CHECK(listener.aborts == 1 && listener.ends == 0 && listener.IsEmpty());
  CHECK(listener.filter->GetProbabilities()->GetBufferedRegion().GetNumberOfPixels() == 0);
  if (from < 1.0F)
  {
    CHECK(listener.progress.back() < 1.0F);
  }

  listener.act = [](float) {};
  listener.filter->Update();
  CHECK(listener.ends == 1 && !listener.IsEmpty() && listener.progress.back() == 1.0F);
  const auto values = Values(listener.filter->GetInput());
  CHECK(Holds(listener.filter->GetOutput(), Segment(LoadModel(), { View(values) }).labels));
}

/** An observer's exception comes out of the update as it was thrown. */
void
Thrown()
{
  Listener listener;
  listener.act = [](float progress) {
    if (progress > 0.0F)
    {
      throw std::domain_error("of the observer");
    }
  };
  std::string said;
  try
  {
    listener.filter->Update();
  }
  catch (const std::domain_error & error)
  {
    said = error.what();
  }
  CHECK(said == "of the observer" && listener.IsEmpty());
  listener.act = [](float) {};
  listener.filter->Update();
  CHECK(!listener.IsEmpty());
}
} // namespace

int
itkCoopSegImageFilterProgressTest(int argc, char * argv[])
{
  return Run(argc, argv, [] {
    Progress();
    Abort(0.0F);
    Abort(0.3F);
    Abort(1.0F);
    Thrown();
    CHECK(coopseg::live_handles() == 0);
  });
}
