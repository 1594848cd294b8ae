function test_strings(material)
  % MATLAB's strings are texts like char arrays; what stands in for them is in the folder strings.
  searched = path();
  returning = onCleanup(@() path(searched));
  warning('off', 'Octave:shadowed-function', 'local');
  addpath(fullfile(fileparts(mfilename('fullpath')), 'strings'));
  string = @(text) StringOfMatlab(text);
  assert(isstring(string('a')) && ~isstring('a') && ~ischar(string('a')));

  file = @(name) fullfile(material, name);
  [image, grid] = coopseg.readImage(file('image.nii'));
  ghosting = '{"ghosting": {"severity": 3}}';
  assert(isequal(coopseg.simulateArtefact(image, string(ghosting), 1), coopseg.simulateArtefact(image, ghosting, 1)));
  refused('coopseg:invalid_geometry', 'blur is measured in mm', ...
          @() coopseg.simulateArtefact(image, string('{"blur": {}}'), 1));

  fast = coopseg.Segmenter(string(file('model.coopseg')), string('{"iterations": 0, "device": "cpu"}'));
  same = coopseg.Segmenter(file('model.coopseg'), struct('iterations', 0, 'device', 'cpu'));
  assert(isequal(fast.segment(image, grid).labels, same.segment(image, grid).labels));
  refused('coopseg:invalid_config', 'iteration', ...
          @() coopseg.Segmenter(file('model.coopseg'), string('{"iteration": 1}')));
end
