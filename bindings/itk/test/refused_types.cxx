// Image types that the filters refuse when they are compiled.
#include "itkCoopSegArtefactImageFilter.h"
#include "itkCoopSegImageFilter.h"
#include "itkRGBPixel.h"

using Scalars = itk::Image<short, 3>;
using InFourDimensions = itk::CoopSegImageFilter<itk::Image<short, 4>>;
using OfColours = itk::CoopSegImageFilter<itk::Image<itk::RGBPixel<unsigned char>, 3>>;
using ToAnotherDimension = itk::CoopSegImageFilter<Scalars, itk::Image<unsigned char, 2>>;
using ToVectors = itk::CoopSegImageFilter<Scalars, itk::VectorImage<unsigned char, 3>>;

using SpoiledInFourDimensions = itk::CoopSegArtefactImageFilter<itk::Image<short, 4>>;
using SpoiledVectors = itk::CoopSegArtefactImageFilter<itk::Image<itk::RGBPixel<unsigned char>, 3>>;
using SpoiledToAnotherDimension = itk::CoopSegArtefactImageFilter<Scalars, itk::Image<float, 2>>;
using SpoiledToIntegers = itk::CoopSegArtefactImageFilter<Scalars, Scalars>;

auto made = sizeof(InFourDimensions) + sizeof(OfColours) + sizeof(ToAnotherDimension) + sizeof(ToVectors) +
            sizeof(SpoiledInFourDimensions) + sizeof(SpoiledVectors) + sizeof(SpoiledToAnotherDimension) +
            sizeof(SpoiledToIntegers);
