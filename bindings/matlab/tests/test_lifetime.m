function test_lifetime(material)
  % Models are freed when their variables are, and by delete.
  model = fullfile(material, 'model.coopseg');
  options = struct('device', 'cpu');
  image = nifti_voxels(fullfile(material, 'image.nii'));
  before = alive();

  segmenter = coopseg.Segmenter(model, options);
  same = segmenter;
  assert(alive() == before + 1);
  clear segmenter
  assert(alive() == before + 1);
  assert(isequal(size(same.segment(image, [1 1 1]).labels), size(image)));
  same = [];
  assert(alive() == before);

  % Refused work leaves nothing either.
  for k = 1:3
    refused('coopseg:invalid_config', 'colour', @() coopseg.Segmenter(model, struct('colour', 1)));
    refused('coopseg:file_not_found', 'none', @() coopseg.readImage('none.nii'));
  end
  assert(alive() == before);
  coopseg.readImage(fullfile(material, 'image.nii'));
  coopseg.devices();
  assert(alive() == before);

  segmenter = coopseg.Segmenter(model, options);
  delete(segmenter);
  assert(alive() == before);
  refused(deleted(), '', @() segmenter.segment(image, [1 1 1]));
  delete(segmenter);
  clear segmenter
  assert(alive() == before);

  for k = 1:20
    one = coopseg.Segmenter(model, options);
    two = coopseg.Segmenter(model, options);
    assert(alive() == before + 2);
  end
  clear one two
  assert(alive() == before);
end

function identifier = deleted()
  % MATLAB refuses a deleted object itself.
  identifier = 'coopseg:invalid_handle';
  if ~exist('OCTAVE_VERSION', 'builtin')
    identifier = 'MATLAB:class:InvalidHandle';
  end
end

function count = alive()
  [count, runs] = coopseg_mex('alive');
  assert(runs == 0);
end
