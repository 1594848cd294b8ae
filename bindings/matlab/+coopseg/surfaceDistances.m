function [hd95, assd] = surfaceDistances(reference, predicted, classes, grid)
  % Distances between the surfaces of two label maps, for each class, in mm.
  %
  %   [hd95, assd] = coopseg.surfaceDistances(reference, predicted, classes, grid)
  %
  % reference, predicted, classes  as for coopseg.dice
  % grid                           [x y z] distances of the voxels in mm, or a struct: see coopseg.readImage
  % hd95, assd                     1×classes, background first: 95th percentile and mean of the distances both ways;
  %                                NaN for a class that is not in both maps
  %
  % Errors: as coopseg.dice, and coopseg:invalid_geometry.
  [hd95, assd] = coopseg_mex('surface_distances', coopseg.internal.label_map(reference), ...
                             coopseg.internal.label_map(predicted), classes, ...
                             coopseg.internal.grid_values(grid, reference));
end
