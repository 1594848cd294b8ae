#ifndef itkCoopSegArtefactTesting_h
#define itkCoopSegArtefactTesting_h

// What the tests of artefacts share.

#include "itkCoopSegArtefactImageFilter.h"
#include "itkCoopSegTesting.h"

#include <algorithm>
#include <array>

namespace CoopSegTesting
{
/** A spoiled image and what was applied. */
struct Spoiled
{
  std::vector<float> voxels;
  std::string        applied;
};

/** What the C function makes of dense values that lie as MakeImage() says; `flat`: of a single slice in 2-D.
 *
 * \param size    Voxels along x, y, z.
 * \param origin  Place of the first voxel; that of MakeImage() unless given. */
inline Spoiled
Simulate(const std::vector<double> &   values,
         const std::string &           artefact,
         std::uint64_t                 seed,
         bool                          flat = false,
         const std::array<int, 3> &    size = { 44, 36, 3 },
         const std::array<double, 3> & origin = { 10.5, 9.5, 8.5 })
{
  coopseg_image image{};
  image.struct_size = sizeof image;
  image.dtype = COOPSEG_F64;
  image.ndim = flat ? 2 : 3;
  std::copy(size.begin(), size.end(), image.shape);
  image.shape[2] = flat ? 1 : size[2];
  image.spacing[0] = image.spacing[1] = 1.5;
  image.spacing[2] = flat ? 1.0 : 8.0;
  std::copy(origin.begin(), origin.end(), image.origin);
  image.direction[0] = image.direction[4] = 0.8;
  image.direction[1] = -(image.direction[3] = 0.6);
  image.direction[8] = 1.0;
  image.data = values.data();
  image.data_size = values.size() * sizeof(double);

  Spoiled        spoiled{ std::vector<float>(values.size()), {} };
  coopseg_buffer output{};
  output.struct_size = sizeof output;
  output.dtype = COOPSEG_F32;
  output.ndim = image.ndim;
  std::copy_n(image.shape, 3, output.shape);
  output.shape[3] = 1;
  output.data = spoiled.voxels.data();
  output.data_size = values.size() * sizeof(float);

  char * applied = nullptr;
  CHECK(coopseg_artefact_simulate(&image, artefact.c_str(), seed, &output, &applied) == COOPSEG_OK);
  spoiled.applied = applied;
  CHECK(coopseg_string_free(applied) == COOPSEG_OK);
  return spoiled;
}
} // namespace CoopSegTesting

#endif
