// Image types that the filter refuses when it is compiled.
#include "itkCoopSegImageFilter.h"
#include "itkRGBPixel.h"

using Scalars = itk::Image<short, 3>;
using InFourDimensions = itk::CoopSegImageFilter<itk::Image<short, 4>>;
using OfColours = itk::CoopSegImageFilter<itk::Image<itk::RGBPixel<unsigned char>, 3>>;
using ToAnotherDimension = itk::CoopSegImageFilter<Scalars, itk::Image<unsigned char, 2>>;
using ToVectors = itk::CoopSegImageFilter<Scalars, itk::VectorImage<unsigned char, 3>>;

auto made = sizeof(InFourDimensions) + sizeof(OfColours) + sizeof(ToAnotherDimension) + sizeof(ToVectors);
