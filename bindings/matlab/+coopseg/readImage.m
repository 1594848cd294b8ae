function [image, grid] = readImage(file)
  % Reads a NIfTI image (.nii, .nii.gz; 2-D or 3-D) as single, X×Y×Z, with scl_slope and scl_inter applied.
  %
  %   [image, grid] = coopseg.readImage(file)
  %
  % grid  struct with spacing (distances along x, y, z in mm), origin (centre of the first voxel) and direction (3×3;
  %       column k is the unit vector along which index k grows). World coordinates are LPS, in mm. Functions that
  %       take a grid also take struct('affine', A) with NIfTI's 4×4 matrix to RAS; of niftiinfo that is
  %       info.Transform.T'.
  %
  % Errors: coopseg:file_not_found, coopseg:file_io, coopseg:file_format, coopseg:file_unsupported.
  [image, values] = coopseg_mex('read', coopseg.internal.text(file), 0);
  grid = coopseg.internal.grid_of(values);
end
