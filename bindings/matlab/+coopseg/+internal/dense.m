function array = dense(array)
  % An array whose elements lie in memory one by one: sparse matrices do not, nor do Octave's ranges and diagonal
  % matrices. Others are not copied.
  if ndims(array) == 2 && (isnumeric(array) || islogical(array))
    array = full(array);
  end
end
