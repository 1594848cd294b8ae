function grid = grid_of(values)
  % The grid of coopseg_mex as struct.
  grid = struct('spacing', values(1:3), 'origin', values(4:6), 'direction', reshape(values(7:15), 3, 3)');
end
