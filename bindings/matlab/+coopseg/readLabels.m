function [labels, grid] = readLabels(file)
  % Reads a NIfTI label map (.nii, .nii.gz; 2-D or 3-D) as int32, X×Y×Z.
  %
  %   [labels, grid] = coopseg.readLabels(file)
  %
  % grid  as of coopseg.readImage
  %
  % Errors: as coopseg.readImage, and coopseg:invalid_label for a value that is not a whole number.
  [labels, values] = coopseg_mex('read', coopseg.internal.text(file), 1);
  grid = coopseg.internal.grid_of(values);
end
