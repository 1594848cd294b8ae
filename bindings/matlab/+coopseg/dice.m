function values = dice(reference, predicted, classes)
  % Dice coefficient of two label maps, for each class, over all voxels.
  %
  %   values = coopseg.dice(reference, predicted, classes)
  %
  % reference, predicted  class indices from 0, X×Y or X×Y×Z, of one size: any integer type, logical, or whole numbers
  % classes               number of classes, background included
  % values                1×classes, background first; NaN for a class that is in neither map
  %
  % Errors: coopseg:invalid_label, coopseg:invalid_shape, coopseg:invalid_argument.
  values = coopseg_mex('dice', coopseg.internal.label_map(reference), coopseg.internal.label_map(predicted), ...
                       classes, coopseg.internal.grid_values([1 1 1], reference));
end
