#ifndef itkCoopSegArtefactImageFilter_h
#define itkCoopSegArtefactImageFilter_h

#include "itkCoopSegImageView.h"
#include "itkImage.h"
#include "itkImageToImageFilter.h"

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace itk
{
/** \class CoopSegArtefactImageFilter
 * \brief Spoils an image with one artefact of magnetic resonance: bias field, ghosting, motion, spike, noise, blur,
 * gamma or downsampling.
 *
 * The output has the regions, spacing, origin and direction of the input. SetArtefact() takes a JSON object whose key
 * is the artefact's name, such as {"ghosting": {"severity": 3}}, {"motion": {}} or {"blur": {"sigma": 1.5},
 * "rescale": true}; coopseg_artefact_simulate() in coopseg.h lists all keys. What its keys leave out is drawn, by
 * SetSeed(). GetAppliedParameters() tells what was drawn: given to SetArtefact(), with any seed, it repeats the output
 * bit for bit.
 *
 * No model is needed. The spacing, in mm, counts for blur, the whole geometry for motion. An image of a single slice
 * has no artefacts out of its plane. Voxels that are NaN or infinite are refused.
 *
 * The filter works on the whole image and so asks for its largest possible region. It hands the pixel buffers of input
 * and output to the library as they are; only pixels of type long double pass through a copy. It cannot run in place.
 *
 * Progress is 0 and then 1, and AbortGenerateData is looked at then: the update ends with an itk::ProcessAborted. What
 * the library refuses is an itk::ExceptionObject with its message, or an itk::MemoryAllocationError. After either, the
 * output is empty, and so is GetAppliedParameters().
 *
 * Threads: as any filter, one object is for one thread at a time; several filters may run at once, and give the same
 * bits. NumberOfWorkUnits has no meaning.
 *
 * \tparam TInputImage   An itk::Image of an arithmetic type, 2-D or 3-D.
 * \tparam TOutputImage  An itk::Image of float or double with the same dimension. All is computed in float.
 *
 * \ingroup CoopSeg
 */
template <typename TInputImage, typename TOutputImage = Image<float, TInputImage::ImageDimension>>
class ITK_TEMPLATE_EXPORT CoopSegArtefactImageFilter : public ImageToImageFilter<TInputImage, TOutputImage>
{
public:
  ITK_DISALLOW_COPY_AND_MOVE(CoopSegArtefactImageFilter);

  /** Standard class type aliases. */
  using Self = CoopSegArtefactImageFilter;
  using Superclass = ImageToImageFilter<TInputImage, TOutputImage>;
  using Pointer = SmartPointer<Self>;
  using ConstPointer = SmartPointer<const Self>;

  /** Method for creation through the object factory. */
  itkNewMacro(Self);

  /** Name of this class at run time. */
  const char *
  GetNameOfClass() const override
  {
    return "CoopSegArtefactImageFilter";
  }

  static constexpr unsigned int ImageDimension = TInputImage::ImageDimension;

  using InputImageType = TInputImage;
  using OutputImageType = TOutputImage;
  using SeedType = std::uint64_t;

  /** The artefact, a JSON object. There is no default: an update without it is refused. */
  itkSetMacro(Artefact, std::string);
  itkGetConstReferenceMacro(Artefact, std::string);

  /** Seed of everything that is drawn. Default: 0. */
  itkSetMacro(Seed, SeedType);
  itkGetConstMacro(Seed, SeedType);

  /** Exactly what the last update applied, a JSON object for SetArtefact(). Empty before the first update, and after
   * one that failed. */
  itkGetConstReferenceMacro(AppliedParameters, std::string);

protected:
  CoopSegArtefactImageFilter() = default;
  ~CoopSegArtefactImageFilter() override = default;

  void
  PrintSelf(std::ostream & os, Indent indent) const override;

  void
  GenerateInputRequestedRegion() override;

  void
  EnlargeOutputRequestedRegion(DataObject * output) override;

  void
  GenerateData() override;

private:
  using InputPixelType = typename InputImageType::PixelType;
  using OutputPixelType = typename OutputImageType::PixelType;

  static_assert(ImageDimension == 2 || ImageDimension == 3,
                "CoopSegArtefactImageFilter: the input image must have 2 or 3 dimensions");
  static_assert(std::is_arithmetic<InputPixelType>::value &&
                  std::is_base_of<Image<InputPixelType, ImageDimension>, InputImageType>::value,
                "CoopSegArtefactImageFilter: the input image must be an itk::Image of a scalar type, such as short");
  static_assert(OutputImageType::ImageDimension == ImageDimension,
                "CoopSegArtefactImageFilter: the output image must have the dimension of the input image");
  static_assert((std::is_same<OutputPixelType, float>::value || std::is_same<OutputPixelType, double>::value) &&
                  std::is_base_of<Image<OutputPixelType, ImageDimension>, OutputImageType>::value,
                "CoopSegArtefactImageFilter: the output image must be an itk::Image of float or double");

  void
  Simulate();

  std::string m_Artefact;
  SeedType    m_Seed{ 0 };
  std::string m_AppliedParameters;
};
} // end namespace itk

#ifndef ITK_MANUAL_INSTANTIATION
#  include "itkCoopSegArtefactImageFilter.hxx"
#endif

#endif // itkCoopSegArtefactImageFilter_h
