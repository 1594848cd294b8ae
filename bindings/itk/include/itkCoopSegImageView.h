#ifndef itkCoopSegImageView_h
#define itkCoopSegImageView_h

// Images of ITK as the library sees them, where they lie.

#include "itkImageRegion.h"

#include <coopseg/coopseg.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace itk
{
namespace CoopSeg
{
/** The type that the library reads pixels of type T as. It knows all others. */
template <typename T>
struct ReadAs
{
  using Type = T;
};
template <>
struct ReadAs<bool>
{
  static_assert(sizeof(bool) == 1, "a bool is read as a byte");
  using Type = std::uint8_t;
};
template <>
struct ReadAs<long double>
{
  using Type = double;
};

/** A region in words. */
template <unsigned int VDimension>
std::string
Describe(const ImageRegion<VDimension> & region)
{
  std::ostringstream words;
  words << "the region of size " << region.GetSize() << " from index " << region.GetIndex();
  return words.str();
}

/** Sizes of a region along x, y and, where there is one, z. */
template <unsigned int VDimension>
coopseg::Shape
ShapeOf(const ImageRegion<VDimension> & region)
{
  const auto & size = region.GetSize();
  if constexpr (VDimension == 2)
  {
    return { size[0], size[1] };
  }
  else
  {
    return { size[0], size[1], size[2] };
  }
}

/** Size and place of an image, seen from the first voxel of its largest possible region. */
struct Grid
{
  coopseg::Shape     shape;
  coopseg::Spacing   spacing{ 1.0, 1.0, 1.0 };
  coopseg::Origin    origin{};
  coopseg::Direction direction{ 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0 };
};

template <typename TImage>
Grid
GridOf(const TImage & image)
{
  const typename TImage::RegionType & region = image.GetLargestPossibleRegion();
  Grid                                grid{ ShapeOf(region) };
  typename TImage::PointType          corner;
  image.TransformIndexToPhysicalPoint(region.GetIndex(), corner);
  for (unsigned int row = 0; row < TImage::ImageDimension; ++row)
  {
    grid.spacing[row] = image.GetSpacing()[row];
    grid.origin[row] = corner[row];
    for (unsigned int column = 0; column < TImage::ImageDimension; ++column)
    {
      grid.direction[3 * row + column] = image.GetDirection()(row, column);
    }
  }
  return grid;
}

/** Pixels that had to be converted, one list per image. They must outlive the views. */
using ConvertedPixels = std::vector<std::vector<double>>;

/** Adds a view of every component of an image to a list. The buffer holds the image's largest possible region, but may
 * be larger: strides lead through it. Only long double is converted.
 *
 * \param image  An itk::Image or itk::VectorImage of an arithmetic type, 2-D or 3-D.
 * \param grid   What the views tell; of the shape of the largest possible region.
 */
template <typename TImage>
void
AppendViews(const TImage &                    image,
            const Grid &                      grid,
            ConvertedPixels &                 converted,
            std::vector<coopseg::ImageView> & views)
{
  using ComponentType = typename TImage::InternalPixelType;
  using ReadType = typename ReadAs<ComponentType>::Type;
  const ReadType * pixels = nullptr;
  if constexpr (std::is_same<ComponentType, long double>::value)
  {
    const ComponentType * const buffer = image.GetBufferPointer();
    converted.emplace_back(buffer, buffer + image.GetPixelContainer()->Size());
    pixels = converted.back().data();
  }
  else
  {
    pixels = reinterpret_cast<const ReadType *>(image.GetBufferPointer());
  }
  const unsigned int components = image.GetNumberOfComponentsPerPixel();
  pixels += image.ComputeOffset(image.GetLargestPossibleRegion().GetIndex()) * static_cast<OffsetValueType>(components);
  coopseg::Strides strides{};
  for (unsigned int axis = 0; axis < TImage::ImageDimension; ++axis)
  {
    strides[axis] = static_cast<std::int64_t>(image.GetOffsetTable()[axis]) *
                    static_cast<std::int64_t>(components * sizeof(ReadType));
  }
  for (unsigned int component = 0; component < components; ++component)
  {
    views.push_back(coopseg::ImageView(pixels + component, grid.shape, grid.spacing, strides)
                      .with_origin(grid.origin)
                      .with_direction(grid.direction));
  }
}
} // end namespace CoopSeg
} // end namespace itk

#endif // itkCoopSegImageView_h
