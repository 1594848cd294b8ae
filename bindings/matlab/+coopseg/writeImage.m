function writeImage(file, image, grid)
  % Writes an image or label map as NIfTI file of 32-bit floating point, whole or not at all.
  %
  %   coopseg.writeImage(file, image, grid)
  %
  % file   path that ends in .nii or .nii.gz; an existing file is replaced
  % image  numeric or logical array, X×Y or X×Y×Z
  % grid   as of coopseg.readImage, or [x y z] distances in mm
  %
  % Errors: coopseg:invalid_argument, coopseg:invalid_shape, coopseg:invalid_geometry, coopseg:file_io.
  image = coopseg.internal.dense(image);
  coopseg_mex('write', coopseg.internal.text(file), image, coopseg.internal.grid_values(grid, image));
end
