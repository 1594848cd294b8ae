function test_segment(material)
  % Images in memory: the same voxels as the library's own file-to-file result.
  file = @(name) fullfile(material, name);
  model = file('model.coopseg');
  image = nifti_voxels(file('image.nii'));
  spacing = [4 4.5 8];
  segmenter = coopseg.Segmenter(model, struct('device', 'cpu'));
  assert(isequal(segmenter.ClassNames, {'background', 'LV', 'MYO', 'RV'}));
  assert(segmenter.Info.architecture.width == 2);

  names = {'labels', 'fast_labels', 'probabilities', 'entropy', 'disagreement'};
  result = segmenter.segment(image, spacing, 'outputs', names);
  for k = 1:numel(names)
    expected = nifti_voxels(file([names{k} '.nii']));
    assert(strcmp(class(result.(names{k})), class(expected)), names{k});
    assert(isequal(result.(names{k}), expected), names{k});
  end
  assert(isequal(size(result.probabilities), [size(image) 4]));
  assert(numel(unique(result.labels)) > 2);
  assert(result.report.slices == size(image, 3) && result.report.seconds > 0);
  assert(isequal(fieldnames(segmenter.segment(image, spacing)), {'labels'; 'report'}));
  assert(isequal(fieldnames(segmenter.segment(image, spacing, 'outputs', 'entropy')), {'entropy'; 'report'}));

  % Every type that holds these whole numbers, the image itself unchanged.
  expected = nifti_voxels(file('labels.nii'));
  types = {'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'single', 'double'};
  for k = 1:numel(types)
    typed = feval(types{k}, image);
    assert(isequal(segmenter.segment(typed, spacing).labels, expected), types{k});
    assert(isequal(typed, image), types{k});
  end
  % The whole range of every type; an image of itself would not tell signed from unsigned.
  share = double(image) / double(max(image(:)));
  for k = 1:numel(types)
    if ~any(strcmp(types{k}, {'single', 'double'}))
      same_as_double(segmenter, feval(types{k}, double(intmin(types{k})) + share * 2 ^ (8 * bytes(types{k}))), spacing);
    end
  end
  same_as_double(segmenter, uint8(share * 255), spacing);
  same_as_double(segmenter, int8(share * 255 - 128), spacing);
  same_as_double(segmenter, image > mean(image(:)), spacing);

  % 2-D, with two or three distances; a part of an array; matrices that are stored otherwise.
  slice = nifti_voxels(file('slice.nii'));
  labels = segmenter.segment(slice, spacing(1:2)).labels;
  assert(isequal(labels, nifti_voxels(file('labels_slice.nii'))));
  assert(isequal(segmenter.segment(slice, spacing).labels, labels));
  assert(isequal(size(segmenter.segment(slice, spacing, 'outputs', 'probabilities').probabilities), [40 36 1 4]));
  part = slice(5:36, :);
  assert(isequal(segmenter.segment(slice(5:36, :), spacing).labels, segmenter.segment(part, spacing).labels));
  diagonal = segmenter.segment(eye(32), spacing).labels;
  assert(isequal(diagonal, segmenter.segment(eye(32) + zeros(32), spacing).labels));
  assert(isequal(segmenter.segment(sparse(eye(32)), spacing).labels, diagonal));
  assert(isequal(size(segmenter.segment(1:40, spacing).labels), [1 40]));

  % The grid as struct, and as NIfTI's matrix.
  grid = struct('spacing', spacing, 'origin', [1 2 3], 'direction', [0 1 0; 1 0 0; 0 0 -1]);
  assert(isequal(segmenter.segment(image, grid).labels, expected));
  affine = [0 -4.5 0 1; -4 0 0 2; 0 0 8 3; 0 0 0 1];
  assert(isequal(segmenter.segment(image, struct('affine', affine)).labels, expected));

  % Options, as struct and as JSON; two models at once.
  fast = coopseg.Segmenter(model, struct('device', 'cpu', 'iterations', 0));
  pairs = coopseg.Segmenter(file('pairs.coopseg'), '{"device": "cpu", "chunk": 1}');
  expected_pairs = nifti_voxels(file('labels_pairs.nii'));
  assert(isequal(fast.segment(image, spacing).labels, nifti_voxels(file('labels_fast_alone.nii'))));
  assert(isequal(pairs.segment(cat(4, image, nifti_voxels(file('second.nii'))), spacing).labels, expected_pairs));
  assert(isequal(segmenter.segment(image, spacing).labels, expected));
  outer = native2unicode(uint8([195 132 117 195 159 101 114 101 115]), 'UTF-8');
  assert(isequal(pairs.ClassNames, {'background', outer, 'MYO', 'RV'}));
end

function same_as_double(segmenter, image, spacing)
  given = segmenter.segment(image, spacing).labels;
  assert(numel(unique(given)) > 1 && isequal(given, segmenter.segment(double(image), spacing).labels), class(image));
end

function count = bytes(type)
  count = numel(typecast(feval(type, 0), 'uint8'));
end
