#ifndef itkCoopSegImageFilter_hxx
#define itkCoopSegImageFilter_hxx

#include "itkCoopSegExceptions.h"
#include "itkCoopSegImageFilter.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

namespace itk
{
namespace CoopSeg
{
constexpr const char * ProbabilitiesName = "Probabilities";
constexpr const char * EntropyName = "Entropy";
constexpr const char * DisagreementName = "Disagreement";

/** A text as JSON. */
inline std::string
Quote(const std::string & text)
{
  std::string quoted = "\"";
  for (const char character : text)
  {
    if (static_cast<unsigned char>(character) < 0x20)
    {
      const char * const digits = "0123456789abcdef";
      quoted += "\\u00";
      quoted += digits[character / 16];
      quoted += digits[character % 16];
      continue;
    }
    if (character == '"' || character == '\\')
    {
      quoted += '\\';
    }
    quoted += character;
  }
  return quoted + '"';
}
} // end namespace CoopSeg

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetModelFileName(const std::string & fileName)
{
  itkDebugMacro("setting ModelFileName to " << fileName);
  if (fileName != m_ModelFileName)
  {
    m_ModelFileName = fileName;
    m_Model = nullptr;
    m_Segmenter = nullptr;
    this->Modified();
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetModel(ModelPointer model)
{
  itkDebugMacro("setting Model to " << model.get());
  if (model != m_Model || !m_ModelFileName.empty())
  {
    m_Model = std::move(model);
    m_ModelFileName.clear();
    m_Segmenter = nullptr;
    this->Modified();
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetProduce(const DataObjectIdentifierType & name, bool produce)
{
  if (produce == this->HasOutput(name))
  {
    return;
  }
  if (produce)
  {
    this->SetOutput(name, this->MakeOutput(name));
  }
  else
  {
    this->RemoveOutput(name);
  }
  this->Modified();
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetProduceProbabilities(bool produce)
{
  this->SetProduce(CoopSeg::ProbabilitiesName, produce);
}

template <typename TInputImage, typename TLabelImage>
bool
CoopSegImageFilter<TInputImage, TLabelImage>::GetProduceProbabilities() const
{
  return this->HasOutput(CoopSeg::ProbabilitiesName);
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetProduceEntropy(bool produce)
{
  this->SetProduce(CoopSeg::EntropyName, produce);
}

template <typename TInputImage, typename TLabelImage>
bool
CoopSegImageFilter<TInputImage, TLabelImage>::GetProduceEntropy() const
{
  return this->HasOutput(CoopSeg::EntropyName);
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::SetProduceDisagreement(bool produce)
{
  this->SetProduce(CoopSeg::DisagreementName, produce);
}

template <typename TInputImage, typename TLabelImage>
bool
CoopSegImageFilter<TInputImage, TLabelImage>::GetProduceDisagreement() const
{
  return this->HasOutput(CoopSeg::DisagreementName);
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetProbabilities() -> ProbabilityImageType *
{
  return itkDynamicCastInDebugMode<ProbabilityImageType *>(this->ProcessObject::GetOutput(CoopSeg::ProbabilitiesName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetProbabilities() const -> const ProbabilityImageType *
{
  return itkDynamicCastInDebugMode<const ProbabilityImageType *>(
    this->ProcessObject::GetOutput(CoopSeg::ProbabilitiesName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetEntropy() -> ScoreImageType *
{
  return itkDynamicCastInDebugMode<ScoreImageType *>(this->ProcessObject::GetOutput(CoopSeg::EntropyName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetEntropy() const -> const ScoreImageType *
{
  return itkDynamicCastInDebugMode<const ScoreImageType *>(this->ProcessObject::GetOutput(CoopSeg::EntropyName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetDisagreement() -> ScoreImageType *
{
  return itkDynamicCastInDebugMode<ScoreImageType *>(this->ProcessObject::GetOutput(CoopSeg::DisagreementName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::GetDisagreement() const -> const ScoreImageType *
{
  return itkDynamicCastInDebugMode<const ScoreImageType *>(this->ProcessObject::GetOutput(CoopSeg::DisagreementName));
}

template <typename TInputImage, typename TLabelImage>
auto
CoopSegImageFilter<TInputImage, TLabelImage>::MakeOutput(const DataObjectIdentifierType & name) -> DataObjectPointer
{
  if (name == CoopSeg::ProbabilitiesName)
  {
    return ProbabilityImageType::New().GetPointer();
  }
  if (name == CoopSeg::EntropyName || name == CoopSeg::DisagreementName)
  {
    return ScoreImageType::New().GetPointer();
  }
  return Superclass::MakeOutput(name);
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::LoadModel()
{
  if (m_Model == nullptr)
  {
    if (m_ModelFileName.empty())
    {
      itkExceptionMacro(<< "there is no model; give one with SetModelFileName() or SetModel()");
    }
    m_Model = std::make_shared<const coopseg::Model>(coopseg::Model::load(m_ModelFileName));
  }
  m_NumberOfClasses = static_cast<unsigned int>(m_Model->class_count());
}

template <typename TInputImage, typename TLabelImage>
const coopseg::Segmenter &
CoopSegImageFilter<TInputImage, TLabelImage>::PrepareSegmenter()
{
  std::ostringstream options;
  options << "{\"device\": " << CoopSeg::Quote(m_Device) << ", \"iterations\": " << m_Iterations
          << ", \"precision\": " << CoopSeg::Quote(m_Precision)
          << ", \"chunk\": " << (m_Chunk == 0 ? std::string("null") : std::to_string(m_Chunk)) << '}';
  if (m_Segmenter == nullptr || m_SegmenterOptions != options.str())
  {
    m_Segmenter = std::make_unique<coopseg::Segmenter>(*m_Model, options.str());
    m_SegmenterOptions = options.str();
  }
  return *m_Segmenter;
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::GenerateOutputInformation()
{
  Superclass::GenerateOutputInformation();
  try
  {
    this->LoadModel();
  }
  catch (const coopseg::Error & error)
  {
    CoopSeg::ThrowAsITKException(*this, error);
  }
  if (this->GetProbabilities() != nullptr)
  {
    this->GetProbabilities()->SetVectorLength(m_NumberOfClasses);
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::GenerateInputRequestedRegion()
{
  Superclass::GenerateInputRequestedRegion();
  for (unsigned int input = 0; input < this->GetNumberOfIndexedInputs(); ++input)
  {
    if (DataObject * const image = this->ProcessObject::GetInput(input))
    {
      image->SetRequestedRegionToLargestPossibleRegion();
    }
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::EnlargeOutputRequestedRegion(DataObject * output)
{
  Superclass::EnlargeOutputRequestedRegion(output);
  output->SetRequestedRegionToLargestPossibleRegion();
}

template <typename TInputImage, typename TLabelImage>
std::vector<coopseg::ImageView>
CoopSegImageFilter<TInputImage, TLabelImage>::MakeChannelViews(CoopSeg::ConvertedPixels & converted) const
{
  // The grid of the first input counts for all: that they agree is checked with the tolerances of this filter.
  const InputImageType * const first = this->GetInput();
  const RegionType &           region = first->GetLargestPossibleRegion();
  const CoopSeg::Grid          grid = CoopSeg::GridOf(*first);

  // An input that was set to null again still counts for ITK.
  auto inputs = this->GetNumberOfIndexedInputs();
  while (inputs > 1 && this->ProcessObject::GetInput(inputs - 1) == nullptr)
  {
    --inputs;
  }
  std::vector<coopseg::ImageView> channels;
  for (unsigned int input = 0; input < inputs; ++input)
  {
    const InputImageType * const image = this->GetInput(input);
    if (image == nullptr)
    {
      itkExceptionMacro(<< "input " << input << " is missing; expected an image for every channel of the model");
    }
    if (image->GetLargestPossibleRegion() != region)
    {
      itkExceptionMacro(<< "input " << input << " has " << CoopSeg::Describe(image->GetLargestPossibleRegion())
                        << "; expected that of the first input, " << CoopSeg::Describe(region));
    }
    if (!image->GetBufferedRegion().IsInside(region))
    {
      itkExceptionMacro(<< "input " << input << " holds " << CoopSeg::Describe(image->GetBufferedRegion())
                        << " only; expected its largest possible region, " << CoopSeg::Describe(region));
    }
    CoopSeg::AppendViews(*image, grid, converted, channels);
  }
  return channels;
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::Segment()
{
  const coopseg::Segmenter &            segmenter = this->PrepareSegmenter();
  CoopSeg::ConvertedPixels              converted;
  const std::vector<coopseg::ImageView> channels = this->MakeChannelViews(converted);

  LabelImageType * const    output = this->GetOutput();
  const coopseg::Shape      shape = CoopSeg::ShapeOf(output->GetBufferedRegion());
  std::vector<std::uint8_t> copiedLabels;
  coopseg::SegmentationMaps maps;
  if constexpr (LabelsAreWrittenDirectly)
  {
    maps.labels = coopseg::BufferView(output->GetBufferPointer(), shape);
  }
  else
  {
    copiedLabels.resize(shape.count());
    maps.labels = coopseg::BufferView(copiedLabels, shape);
  }
  if (ProbabilityImageType * const probabilities = this->GetProbabilities())
  {
    const auto             component = static_cast<std::int64_t>(sizeof(float));
    const std::int64_t     pixel = component * m_NumberOfClasses;
    const coopseg::Strides strides{ pixel, pixel * shape[0], pixel * shape[0] * shape[1], component };
    maps.probabilities = coopseg::BufferView(probabilities->GetBufferPointer(),
                                             coopseg::Shape(shape[0], shape[1], shape[2], m_NumberOfClasses),
                                             strides);
  }
  if (ScoreImageType * const entropy = this->GetEntropy())
  {
    maps.entropy = coopseg::BufferView(entropy->GetBufferPointer(), shape);
  }
  if (ScoreImageType * const disagreement = this->GetDisagreement())
  {
    maps.disagreement = coopseg::BufferView(disagreement->GetBufferPointer(), shape);
  }

  const auto goOn = [this](std::size_t done, std::size_t slices) {
    this->UpdateProgress(static_cast<float>(done) / static_cast<float>(slices));
    return this->GetAbortGenerateData() ? coopseg::Next::stop : coopseg::Next::go_on;
  };
  if (goOn(0, 1) == coopseg::Next::stop)
  {
    throw coopseg::Error(coopseg::Status::cancelled, "aborted before the first slice");
  }
  m_Report = segmenter.run_channels(channels, maps, goOn);

  if constexpr (!LabelsAreWrittenDirectly)
  {
    std::transform(copiedLabels.begin(), copiedLabels.end(), output->GetBufferPointer(), [](std::uint8_t label) {
      return static_cast<LabelType>(label);
    });
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::GenerateData()
{
  const auto releaseOutputs = [this] {
    for (OutputDataObjectIterator output(this); !output.IsAtEnd(); ++output)
    {
      output.GetOutput()->ReleaseData();
    }
  };
  m_Report.clear();
  try
  {
    this->AllocateOutputs();
    this->Segment();
  }
  catch (const coopseg::Error & error)
  {
    releaseOutputs();
    CoopSeg::ThrowAsITKException(*this, error);
  }
  catch (...)
  {
    releaseOutputs();
    throw;
  }
}

template <typename TInputImage, typename TLabelImage>
void
CoopSegImageFilter<TInputImage, TLabelImage>::PrintSelf(std::ostream & os, Indent indent) const
{
  Superclass::PrintSelf(os, indent);
  const auto onOff = [](bool on) { return on ? "On" : "Off"; };
  os << indent << "ModelFileName: " << m_ModelFileName << std::endl;
  os << indent << "Model: " << (m_Model == nullptr ? "(none)" : "in memory") << std::endl;
  os << indent << "Device: " << m_Device << std::endl;
  os << indent << "Iterations: " << m_Iterations << std::endl;
  os << indent << "Precision: " << m_Precision << std::endl;
  os << indent << "Chunk: " << m_Chunk << std::endl;
  os << indent << "ProduceProbabilities: " << onOff(this->GetProduceProbabilities()) << std::endl;
  os << indent << "ProduceEntropy: " << onOff(this->GetProduceEntropy()) << std::endl;
  os << indent << "ProduceDisagreement: " << onOff(this->GetProduceDisagreement()) << std::endl;
  os << indent << "Report: " << m_Report << std::endl;
}
} // end namespace itk

#endif // itkCoopSegImageFilter_hxx
