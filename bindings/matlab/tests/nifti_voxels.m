function voxels = nifti_voxels(file)
  % The voxels of an uncompressed NIfTI file of uint8 or single, read without coopseg.
  stream = fopen(file, 'r', 'ieee-le');
  closing = onCleanup(@() fclose(stream));
  fseek(stream, 40, 'bof');
  sizes = fread(stream, [1 8], 'int16');
  fseek(stream, 70, 'bof');
  type = fread(stream, 1, 'int16');
  fseek(stream, 108, 'bof');
  fseek(stream, fread(stream, 1, 'single'), 'bof');
  shape = [sizes(2:sizes(1) + 1), 1];
  switch type
    case 2
      voxels = fread(stream, prod(shape), 'uint8=>uint8');
    case 16
      voxels = fread(stream, prod(shape), 'single=>single');
    otherwise
      error('%s holds type %d', file, type);
  end
  voxels = reshape(voxels, shape);
end
