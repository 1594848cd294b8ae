function values = grid_values(grid, image)
  % A grid as coopseg_mex takes it: spacing, origin, direction (row by row); LPS, mm.
  if isnumeric(grid)
    grid = struct('spacing', grid);
  end
  if ~isstruct(grid) || numel(grid) ~= 1
    error('coopseg:invalid_geometry', 'the grid is of class %s; expected distances [x y z] in mm or one struct', ...
          class(grid));
  end
  unknown = setdiff(fieldnames(grid), {'spacing', 'origin', 'direction', 'affine'});
  if ~isempty(unknown)
    error('coopseg:invalid_geometry', 'the grid has a field "%s"; expected spacing, origin, direction, or affine', ...
          unknown{1});
  end
  if isfield(grid, 'affine')
    if numel(fieldnames(grid)) ~= 1
      error('coopseg:invalid_geometry', 'the grid has affine and other fields; expected one or the other');
    end
    grid = from_affine(grid.affine);
  end
  if ~isfield(grid, 'spacing')
    error('coopseg:invalid_geometry', 'the grid has no spacing; expected distances [x y z] in mm');
  end
  spacing = numbers(grid.spacing, 'spacing');
  if numel(spacing) == 2 && ndims(image) == 2
    spacing(3) = 1;
  end
  origin = [0 0 0];
  direction = eye(3);
  if isfield(grid, 'origin')
    origin = numbers(grid.origin, 'origin');
  end
  if isfield(grid, 'direction')
    direction = numbers(grid.direction, 'direction');
  end
  if numel(spacing) ~= 3 || numel(origin) ~= 3 || ~isequal(size(direction), [3 3])
    error('coopseg:invalid_geometry', ...
          'the grid has %d spacings, %d origins and a %dx%d direction; expected 3, 3 and 3x3', ...
          numel(spacing), numel(origin), size(direction, 1), size(direction, 2));
  end
  values = [reshape(spacing, 1, 3), reshape(origin, 1, 3), reshape(direction', 1, 9)];
end

function values = numbers(values, name)
  if ~isnumeric(values) || ~isreal(values)
    error('coopseg:invalid_geometry', 'the %s of the grid is of class %s; expected real numbers', name, class(values));
  end
  values = full(double(values));
end

function grid = from_affine(affine)
  affine = numbers(affine, 'affine');
  if ~isequal(size(affine), [4 4]) || ~isequal(affine(4, :), [0 0 0 1])
    error('coopseg:invalid_geometry', ...
          'the affine is no 4x4 matrix whose last row is 0 0 0 1; niftiinfo''s Transform.T is its transpose');
  end
  % NIfTI's world is RAS.
  world = diag([-1 -1 1]) * affine(1:3, :);
  grid.spacing = sqrt(sum(world(:, 1:3) .^ 2, 1));
  grid.origin = world(:, 4);
  grid.direction = world(:, 1:3) ./ repmat(grid.spacing, 3, 1);
end
