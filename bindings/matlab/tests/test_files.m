function test_files(material, work)
  % NIfTI files, from file to file and into arrays.
  file = @(name) fullfile(material, name);
  out = @(name) fullfile(work, name);
  segmenter = coopseg.Segmenter(file('model.coopseg'), struct('device', 'cpu'));

  name = native2unicode(uint8([195 164 32 98]), 'UTF-8');
  heard = fopen(out('heard.txt'), 'w');
  report = segmenter.segmentFile(file('image.nii'), 'labels', out([name '.nii']), 'entropy', out('entropy.nii'), ...
                                 'progress', @(done, slices) fprintf(heard, '%d/%d ', done, slices));
  fclose(heard);
  assert(strcmp(fileread(out('heard.txt')), '1/5 2/5 3/5 4/5 5/5 '));
  assert(report.slices == 5);
  assert(isequal(fileread(out([name '.nii'])), fileread(file('labels.nii'))));
  assert(isequal(fileread(out('entropy.nii')), fileread(file('entropy.nii'))));
  pairs = coopseg.Segmenter(file('pairs.coopseg'), struct('device', 'cpu'));
  pairs.segmentFile({file('image.nii'), file('second.nii')}, 'labels', out('pairs.nii'));
  assert(isequal(fileread(out('pairs.nii')), fileread(file('labels_pairs.nii'))));

  [image, grid] = coopseg.readImage(file('image.nii'));
  near = @(a, b) max(abs(a(:) - b(:))) < 1e-5;
  assert(isa(image, 'single') && isequal(image, nifti_voxels(file('image.nii'))));
  assert(near(grid.spacing, [4 4.5 8]) && near(grid.origin, [-12.5 30.25 7]));
  affine = srow(file('image.nii'));
  assert(near([grid.direction * diag(grid.spacing), grid.origin'], diag([-1 -1 1]) * affine));
  [labels, grid] = coopseg.readLabels(file('labels.nii'));
  assert(isa(labels, 'int32') && isequal(labels, nifti_voxels(file('labels.nii'))));
  assert(isequal(size(coopseg.readImage(file('slice.nii'))), [40 36]));

  % An oblique grid comes back, also by way of its matrix.
  angle = 0.3;
  grid.direction = [cos(angle) -sin(angle) 0; sin(angle) cos(angle) 0; 0 0 -1];
  coopseg.writeImage(out('oblique.nii.gz'), labels, grid);
  [again, read] = coopseg.readLabels(out('oblique.nii.gz'));
  assert(isequal(again, labels));
  assert(near(read.spacing, grid.spacing) && near(read.origin, grid.origin) && near(read.direction, grid.direction));
  affine = [diag([-1 -1 1]) * [grid.direction * diag(grid.spacing), grid.origin(:)]; 0 0 0 1];
  coopseg.writeImage(out('affine.nii.gz'), labels, struct('affine', affine));
  [~, read] = coopseg.readLabels(out('affine.nii.gz'));
  assert(near(read.spacing, grid.spacing) && near(read.origin, grid.origin) && near(read.direction, grid.direction));
  coopseg.writeImage(out('flat.nii'), true(4, 3), [1 2]);
  assert(isequal(coopseg.readImage(out('flat.nii')), ones(4, 3)));
end

function affine = srow(file)
  % The matrix to RAS of a NIfTI file, read without coopseg.
  stream = fopen(file, 'r', 'ieee-le');
  closing = onCleanup(@() fclose(stream));
  fseek(stream, 280, 'bof');
  affine = fread(stream, [4 3], 'single')';
end
