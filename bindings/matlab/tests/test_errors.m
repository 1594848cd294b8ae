function test_errors(material, work)
  % What is refused, with which identifier and which words, and that everything stays usable.
  file = @(name) fullfile(material, name);
  model = file('model.coopseg');
  image = nifti_voxels(file('image.nii'));
  spacing = [4 4.5 8];
  segmenter = coopseg.Segmenter(model, struct('device', 'cpu'));

  refused('coopseg:file_not_found', 'none.coopseg', @() coopseg.Segmenter(fullfile(work, 'none.coopseg')));
  refused('coopseg:file_format', 'image.nii', @() coopseg.Segmenter(file('image.nii')));
  refused('coopseg:invalid_config', 'iteration', @() coopseg.Segmenter(model, struct('iteration', 1)));
  refused('coopseg:invalid_config', 'iterations', @() coopseg.Segmenter(model, struct('iterations', -1)));
  refused('coopseg:invalid_config', 'iterations', @() coopseg.Segmenter(model, struct('iterations', 1.5)));
  refused('coopseg:invalid_config', 'precision', @() coopseg.Segmenter(model, struct('precision', 'float8')));
  refused('coopseg:invalid_config', '', @() coopseg.Segmenter(model, '[1]'));
  refused('coopseg:device_unavailable', 'cuda:63', @() coopseg.Segmenter(model, struct('device', 'cuda:63')));
  refused('coopseg:invalid_argument', 'zero character', @() coopseg.Segmenter([model char(0) 'x']));

  segment = @(varargin) segmenter.segment(varargin{:});
  refused('coopseg:invalid_argument', 'constant', @() segment(zeros(32), spacing));
  broken = image;
  broken(7) = NaN;
  refused('coopseg:invalid_argument', 'not finite', @() segment(broken, spacing));
  refused('coopseg:invalid_argument', 'complex', @() segment(image + 1i, spacing));
  refused('coopseg:invalid_argument', 'char', @() segment(repmat('ab', 32, 16), spacing));
  refused('coopseg:invalid_argument', 'there is no output "label"', @() segment(image, spacing, 'outputs', 'label'));
  refused('coopseg:invalid_argument', '', @() segment(image, spacing, 'outputs', {}));
  refused('coopseg:invalid_argument', 'there is no argument "output"', @() segment(image, spacing, 'output', 'labels'));
  refused('coopseg:invalid_argument', 'pairs', @() segment(image, spacing, 'outputs'));
  refused('coopseg:invalid_shape', '', @() segment(zeros(0, 5), spacing));
  refused('coopseg:invalid_shape', '2', @() segment(cat(4, image, image), spacing));
  refused('coopseg:invalid_shape', '5 channels', @() segment(cat(4, image, image, image, image, image), spacing));
  refused('coopseg:invalid_shape', '5 axes', @() segment(cat(5, image, image), spacing));

  transposed = [eye(3) zeros(3, 1); 1 2 3 1];
  refused('coopseg:invalid_geometry', '', @() segment(image, [4 4.5 0]));
  refused('coopseg:invalid_geometry', '2 spacings', @() segment(image, [4 4.5]));
  refused('coopseg:invalid_geometry', 'no spacing', @() segment(image, struct('origin', [0 0 0])));
  refused('coopseg:invalid_geometry', '"Spacing"', @() segment(image, struct('Spacing', spacing)));
  refused('coopseg:invalid_geometry', 'class cell', @() segment(image, {4, 4, 8}));
  refused('coopseg:invalid_geometry', 'transpose', @() segment(image, struct('affine', transposed)));
  refused('coopseg:invalid_geometry', 'one or the other', ...
          @() segment(image, struct('affine', eye(4), 'spacing', spacing)));
  refused('coopseg:invalid_geometry', '', @() segment(image, struct('spacing', spacing, 'direction', ones(3))));

  to_file = @(varargin) segmenter.segmentFile(varargin{:});
  x = fullfile(work, 'x.nii');
  refused('coopseg:file_not_found', 'none.nii', @() to_file(fullfile(work, 'none.nii'), 'labels', x));
  refused('coopseg:invalid_argument', '', @() to_file(file('image.nii')));
  refused('coopseg:invalid_argument', '"label"', @() to_file(file('image.nii'), 'label', x));
  refused('coopseg:file_io', 'x.nii', ...
          @() to_file(file('image.nii'), 'labels', fullfile(material, 'image.nii', 'x.nii')));
  refused('coopseg:file_format', 'scores.txt', @() to_file(file('scores.txt'), 'labels', x));
  refused('coopseg:invalid_argument', '0 image files', @() to_file({}, 'labels', x));

  labels = uint8(segment(image, spacing).labels);
  refused('coopseg:invalid_label', '', @() coopseg.dice(labels, labels + 9, 4));
  refused('coopseg:invalid_label', 'whole', @() coopseg.dice(double(labels) + 0.5, labels, 4));
  refused('coopseg:invalid_shape', '', @() coopseg.dice(labels, labels(:, :, 1), 4));
  refused('coopseg:invalid_argument', '1', @() coopseg.dice(labels, labels, 1));
  refused('coopseg:invalid_argument', '3000000000', @() coopseg.dice(labels, labels, 3e9));
  refused('coopseg:invalid_argument', '2.5', @() coopseg.dice(labels, labels, 2.5));
  refused('coopseg:invalid_label', '', @() coopseg.readLabels(file('entropy.nii')));
  refused('coopseg:file_io', '', @() coopseg.writeImage(fullfile(material, 'image.nii', 'x.nii'), image, spacing));
  refused('coopseg:invalid_argument', '', @() coopseg.threads(0));

  % The MEX function itself, called wrongly.
  refused('coopseg:invalid_argument', 'help coopseg.Segmenter', @() coopseg_mex());
  refused('coopseg:invalid_argument', 'no command "train"', @() coopseg_mex('train'));
  refused('coopseg:invalid_argument', '5 arguments', @() coopseg_mex('start'));
  refused('coopseg:invalid_argument', 'uint64', @() coopseg_mex('free', 3));
  refused('coopseg:invalid_handle', '', @() call_segmenter(uint64(12345), image));
  refused('coopseg:cancelled', 'cleared', @() finish_early(uint64(99)));
  run = coopseg_mex('start', uint64(1), image, coopseg.internal.grid_values(spacing, image), [1 0 0 0 0], 4);
  refused('coopseg:invalid_argument', 'another image', @() advance_with(run, image + 1));
  refused('coopseg:invalid_state', 'not ended', @() finish_early(run));
  coopseg_mex('stop', run, image);

  assert(isequal(segment(image, spacing).labels, nifti_voxels(file('labels.nii'))));
end

function call_segmenter(handle, image)
  run = coopseg_mex('start', handle, image, coopseg.internal.grid_values([1 1 1], image), [1 0 0 0 0], 4);
  coopseg.internal.run_to_end(run, image, []);
end

function advance_with(run, image)
  [~, ~] = coopseg_mex('advance', run, image);
end

function finish_early(run)
  [~, ~] = coopseg_mex('finish', run);
end
