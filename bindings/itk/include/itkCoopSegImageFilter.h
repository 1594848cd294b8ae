#ifndef itkCoopSegImageFilter_h
#define itkCoopSegImageFilter_h

#include "itkCoopSegImageView.h"
#include "itkImage.h"
#include "itkImageToImageFilter.h"
#include "itkVectorImage.h"

#include <coopseg/coopseg.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace itk
{
/** \class CoopSegImageFilter
 * \brief Segments an image with a coopseg model: a fast-thinking network segments, a slow-thinking network corrects.
 *
 * The output is a label map on the grid of the input: same regions, spacing, origin and direction. Labels are the
 * classes of the model, 0 is the background. The filter brings the image to the intensities and the grid of the
 * networks slice by slice (x and y are the axes of a slice) and the result back, so any size and spacing will do;
 * spacing is in mm. Voxels that are NaN or infinite and constant images are refused.
 *
 * Further outputs are made where they are asked for, all with the grid of the input: the probabilities of all classes
 * (ProduceProbabilitiesOn()), their entropy (ProduceEntropyOn()) and the disagreement of the two networks
 * (ProduceDisagreementOn()).
 *
 * The model comes from a file (SetModelFileName()) or from memory (SetModel()), which several filters may share: a
 * model never changes. A model of several channels takes either one input per channel on one grid, in the order of
 * the channels, through SetInput(index, image), or an itk::VectorImage with a component per channel.
 *
 * The filter works on the whole image and so asks for its largest possible region. It hands the pixel buffers of inputs
 * and outputs to the library as they are; only pixels of type long double, and labels that are bool or floating point,
 * pass through a copy. It cannot run in place.
 *
 * Progress is reported after every slice (they are computed several at a time), and AbortGenerateData is looked at
 * then: the update ends with an itk::ProcessAborted. What the library refuses is an itk::ExceptionObject with its
 * message, or an itk::MemoryAllocationError. After either, the outputs are empty.
 *
 * Threads: as any filter, one object is for one thread at a time; filters that share a model may run at once. The
 * threads of the computation are libtorch's (coopseg::set_threads()), not those of NumberOfWorkUnits. Observers are
 * called on the thread that called Update().
 *
 * \tparam TInputImage  An itk::Image or itk::VectorImage of an arithmetic type, 2-D or 3-D.
 * \tparam TLabelImage  An itk::Image of an arithmetic type with the same dimension. A type that cannot hold all
 *                      classes of the model is refused by the update; bool tells the background (false) from all else.
 *
 * \ingroup CoopSeg
 */
template <typename TInputImage, typename TLabelImage = Image<unsigned char, TInputImage::ImageDimension>>
class ITK_TEMPLATE_EXPORT CoopSegImageFilter : public ImageToImageFilter<TInputImage, TLabelImage>
{
public:
  ITK_DISALLOW_COPY_AND_MOVE(CoopSegImageFilter);

  /** Standard class type aliases. */
  using Self = CoopSegImageFilter;
  using Superclass = ImageToImageFilter<TInputImage, TLabelImage>;
  using Pointer = SmartPointer<Self>;
  using ConstPointer = SmartPointer<const Self>;

  /** Method for creation through the object factory. */
  itkNewMacro(Self);

  /** Name of this class at run time. */
  const char *
  GetNameOfClass() const override
  {
    return "CoopSegImageFilter";
  }

  static constexpr unsigned int ImageDimension = TInputImage::ImageDimension;

  using InputImageType = TInputImage;
  using LabelImageType = TLabelImage;
  using RegionType = typename InputImageType::RegionType;

  /** Component per class, which sum to 1. */
  using ProbabilityImageType = VectorImage<float, ImageDimension>;

  /** One value per voxel. */
  using ScoreImageType = Image<float, ImageDimension>;

  using ModelPointer = std::shared_ptr<const coopseg::Model>;

  /** The model file, which is read once, when the model is first needed. Replaces a model given by SetModel(). */
  virtual void
  SetModelFileName(const std::string & fileName);
  itkGetConstReferenceMacro(ModelFileName, std::string);

#ifndef ITK_WRAPPING_PARSER
  /** A model in memory, which replaces the one of SetModelFileName(); that name becomes empty. */
  virtual void
  SetModel(ModelPointer model);

  /** The model in use: that of SetModel() or, once it was needed, that of the file; else null. Give it to SetModel() of
   * another filter to share it. */
  virtual ModelPointer
  GetModel() const
  {
    return m_Model;
  }
#endif

  /** Where the networks run: "auto" (the default: CUDA if it can be used), "cpu", "cuda" or "cuda:N". */
  itkSetMacro(Device, std::string);
  itkGetConstReferenceMacro(Device, std::string);

  /** Passes of the slow-thinking network, 0 to 100; 0 is the fast-thinking network alone. Default: 1. */
  itkSetMacro(Iterations, unsigned int);
  itkGetConstMacro(Iterations, unsigned int);

  /** Type that the networks compute in: "float32" (the default) or "bfloat16", which is faster where the processor has
   * it and changes labels at few borders; on GPUs also "float16" and "tensorfloat32". */
  itkSetMacro(Precision, std::string);
  itkGetConstReferenceMacro(Precision, std::string);

  /** Most slices that go through the networks at once, which bounds the memory: 1 to 4096, or 0 (the default) for what
   * suits the device. */
  itkSetMacro(Chunk, unsigned int);
  itkGetConstMacro(Chunk, unsigned int);

  /** Whether GetProbabilities() is made. Default: off. */
  virtual void
  SetProduceProbabilities(bool produce);
  virtual bool
  GetProduceProbabilities() const;
  itkBooleanMacro(ProduceProbabilities);

  /** Whether GetEntropy() is made. Default: off. */
  virtual void
  SetProduceEntropy(bool produce);
  virtual bool
  GetProduceEntropy() const;
  itkBooleanMacro(ProduceEntropy);

  /** Whether GetDisagreement() is made. Default: off. */
  virtual void
  SetProduceDisagreement(bool produce);
  virtual bool
  GetProduceDisagreement() const;
  itkBooleanMacro(ProduceDisagreement);

  /** Probabilities of the classes; null unless ProduceProbabilities is on. The number of components is known after
   * UpdateOutputInformation(). */
  ProbabilityImageType *
  GetProbabilities();
  const ProbabilityImageType *
  GetProbabilities() const;

  /** Entropy of the probabilities in nats, 0 to ln(classes); null unless ProduceEntropy is on. */
  ScoreImageType *
  GetEntropy();
  const ScoreImageType *
  GetEntropy() const;

  /** Disagreement of the two networks, 0 to 1: half the sum over the classes of the absolute difference of their
   * probabilities; null unless ProduceDisagreement is on. */
  ScoreImageType *
  GetDisagreement();
  const ScoreImageType *
  GetDisagreement() const;

  /** What the library tells of the last update, a JSON object: "slices", "change_per_pass" (share of pixels that each
   * pass of the slow-thinking network changed), "seconds". Empty before the first update. */
  itkGetConstReferenceMacro(Report, std::string);

  using DataObjectPointer = ProcessObject::DataObjectPointer;
  using DataObjectIdentifierType = ProcessObject::DataObjectIdentifierType;
  using Superclass::MakeOutput;

  /** Makes an output of the type that belongs to its name. */
  DataObjectPointer
  MakeOutput(const DataObjectIdentifierType & name) override;

protected:
  CoopSegImageFilter() = default;
  ~CoopSegImageFilter() override = default;

  void
  PrintSelf(std::ostream & os, Indent indent) const override;

  /** Loads the model, since the number of classes is that of the components of the probabilities. */
  void
  GenerateOutputInformation() override;

  void
  GenerateInputRequestedRegion() override;

  void
  EnlargeOutputRequestedRegion(DataObject * output) override;

  void
  GenerateData() override;

private:
  using InputComponentType = typename InputImageType::InternalPixelType;
  using LabelType = typename LabelImageType::PixelType;

  static_assert(ImageDimension == 2 || ImageDimension == 3,
                "CoopSegImageFilter: the input image must have 2 or 3 dimensions");
  static_assert(std::is_arithmetic<InputComponentType>::value &&
                  (std::is_base_of<Image<InputComponentType, ImageDimension>, InputImageType>::value ||
                   std::is_base_of<VectorImage<InputComponentType, ImageDimension>, InputImageType>::value),
                "CoopSegImageFilter: the input image must be an itk::Image of a scalar type, such as short or float, "
                "or an itk::VectorImage of one");
  static_assert(LabelImageType::ImageDimension == ImageDimension,
                "CoopSegImageFilter: the label image must have the dimension of the input image");
  static_assert(std::is_arithmetic<LabelType>::value &&
                  std::is_base_of<Image<LabelType, ImageDimension>, LabelImageType>::value,
                "CoopSegImageFilter: the label image must be an itk::Image of a scalar type, such as unsigned char");

  /** Whether the library writes labels of this type. */
  static constexpr bool LabelsAreWrittenDirectly =
    std::is_integral<LabelType>::value && !std::is_same<LabelType, bool>::value;

  /** Adds or removes an output. */
  void
  SetProduce(const DataObjectIdentifierType & name, bool produce);

  void
  LoadModel();

  /** The segmenter of model and options, which is kept until one of them changes. */
  const coopseg::Segmenter &
  PrepareSegmenter();

  /** Every component of every input, in the order of the model's channels. */
  std::vector<coopseg::ImageView>
  MakeChannelViews(CoopSeg::ConvertedPixels & converted) const;

  void
  Segment();

  std::string  m_ModelFileName;
  ModelPointer m_Model;
  unsigned int m_NumberOfClasses{ 0 };

  std::string  m_Device{ "auto" };
  unsigned int m_Iterations{ 1 };
  std::string  m_Precision{ "float32" };
  unsigned int m_Chunk{ 0 };

  std::unique_ptr<coopseg::Segmenter> m_Segmenter;
  std::string                         m_SegmenterOptions;
  std::string                         m_Report;
};
} // end namespace itk

#ifndef ITK_MANUAL_INSTANTIATION
#  include "itkCoopSegImageFilter.hxx"
#endif

#endif // itkCoopSegImageFilter_h
