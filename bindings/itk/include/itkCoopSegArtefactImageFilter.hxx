#ifndef itkCoopSegArtefactImageFilter_hxx
#define itkCoopSegArtefactImageFilter_hxx

#include "itkCoopSegArtefactImageFilter.h"
#include "itkCoopSegExceptions.h"

#include <utility>

namespace itk
{
template <typename TInputImage, typename TOutputImage>
void
CoopSegArtefactImageFilter<TInputImage, TOutputImage>::GenerateInputRequestedRegion()
{
  Superclass::GenerateInputRequestedRegion();
  if (DataObject * const image = this->ProcessObject::GetInput(0))
  {
    image->SetRequestedRegionToLargestPossibleRegion();
  }
}

template <typename TInputImage, typename TOutputImage>
void
CoopSegArtefactImageFilter<TInputImage, TOutputImage>::EnlargeOutputRequestedRegion(DataObject * output)
{
  Superclass::EnlargeOutputRequestedRegion(output);
  output->SetRequestedRegionToLargestPossibleRegion();
}

template <typename TInputImage, typename TOutputImage>
void
CoopSegArtefactImageFilter<TInputImage, TOutputImage>::Simulate()
{
  if (m_Artefact.empty())
  {
    itkExceptionMacro(<< R"(there is no artefact; name one with SetArtefact(), such as {"ghosting": {"severity": 3}})");
  }
  const InputImageType * const input = this->GetInput();
  const auto &                 region = input->GetLargestPossibleRegion();
  if (!input->GetBufferedRegion().IsInside(region))
  {
    itkExceptionMacro(<< "the input holds " << CoopSeg::Describe(input->GetBufferedRegion())
                      << " only; expected its largest possible region, " << CoopSeg::Describe(region));
  }
  CoopSeg::ConvertedPixels        converted;
  std::vector<coopseg::ImageView> views;
  CoopSeg::AppendViews(*input, CoopSeg::GridOf(*input), converted, views);

  OutputImageType * const   output = this->GetOutput();
  const coopseg::BufferView spoiled(output->GetBufferPointer(), CoopSeg::ShapeOf(output->GetBufferedRegion()));

  const auto goOn = [this](float progress) {
    this->UpdateProgress(progress);
    if (this->GetAbortGenerateData())
    {
      throw coopseg::Error(coopseg::Status::cancelled, "aborted");
    }
  };
  goOn(0.0F);
  std::string applied = coopseg::simulate_artefact(views.front(), m_Artefact, m_Seed, spoiled);
  goOn(1.0F);
  m_AppliedParameters = std::move(applied);
}

template <typename TInputImage, typename TOutputImage>
void
CoopSegArtefactImageFilter<TInputImage, TOutputImage>::GenerateData()
{
  m_AppliedParameters.clear();
  try
  {
    this->AllocateOutputs();
    this->Simulate();
  }
  catch (const coopseg::Error & error)
  {
    this->GetOutput()->ReleaseData();
    CoopSeg::ThrowAsITKException(*this, error);
  }
  catch (...)
  {
    this->GetOutput()->ReleaseData();
    throw;
  }
}

template <typename TInputImage, typename TOutputImage>
void
CoopSegArtefactImageFilter<TInputImage, TOutputImage>::PrintSelf(std::ostream & os, Indent indent) const
{
  Superclass::PrintSelf(os, indent);
  os << indent << "Artefact: " << m_Artefact << std::endl;
  os << indent << "Seed: " << m_Seed << std::endl;
  os << indent << "AppliedParameters: " << m_AppliedParameters << std::endl;
}
} // end namespace itk

#endif // itkCoopSegArtefactImageFilter_hxx
