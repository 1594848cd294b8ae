function test_artefacts(material)
  % Spoiled images: the C library's own voxels and parameters, and what is refused.
  file = @(name) fullfile(material, name);
  spoil = @(varargin) coopseg.simulateArtefact(varargin{:});
  [image, grid] = coopseg.readImage(file('image.nii'));
  names = {'bias_field', 'ghosting', 'motion', 'spike', 'noise', 'blur', 'gamma', 'downsampling'};
  for k = 1:numel(names)
    name = names{k};
    expected = nifti_voxels(file(['artefact_' name '.nii']));
    applied = fileread(file(['artefact_' name '.json']));
    wanted = struct(name, struct('severity', 4));
    [spoiled, parameters] = spoil(image, wanted, 9, grid);
    assert(isa(spoiled, 'single') && isequal(spoiled, expected) && ~isequal(spoiled, image), name);
    assert(ischar(parameters) && strcmp(parameters, applied), name);
    assert(isfield(jsondecode(parameters), name));
    [again, parameters] = spoil(image, applied, 12345, grid);
    assert(isequal(again, expected) && strcmp(parameters, applied), name);
    assert(isequal(spoil(image, jsonencode(wanted), uint64(9), grid), expected), name);
    [~, parameters] = spoil(image, wanted, 10, grid);
    assert(~strcmp(parameters, applied), name);
  end
  assert(isequal(image, nifti_voxels(file('image.nii'))));

  % Every type that holds these whole numbers; the seed is 0 and the distances do not matter unless given.
  noise = struct('noise', struct());
  expected = spoil(image, noise, 0, [3 2 1]);
  types = {'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'single', 'double'};
  for k = 1:numel(types)
    assert(isequal(spoil(feval(types{k}, image), noise), expected), types{k});
  end
  assert(isequal(spoil(image > 50, noise), spoil(double(image > 50), noise)));

  % Where and how large voxels are counts for motion; a struct or distances alone.
  motion = struct('motion', struct('severity', 4));
  assert(~isequal(spoil(image, motion, 9, grid.spacing), spoil(image, motion, 9, grid)));
  affine = [diag([-1 -1 1]) * [grid.direction * diag(grid.spacing), grid.origin(:)]; 0 0 0 1];
  moved = spoil(image, motion, 9, struct('affine', affine));
  assert(max(abs(moved(:) - reshape(spoil(image, motion, 9, grid), [], 1))) < 1e-3);

  % Single slices, matrices that are stored otherwise, lists of lists, rescaled intensities, seeds of 64 bits.
  slice = nifti_voxels(file('slice.nii'));
  assert(isequal(size(spoil(slice, struct('ghosting', struct()))), [40 36]));
  assert(isequal(size(spoil(slice, struct('blur', struct()), 0, [2 2])), [40 36]));
  assert(isequal(spoil(sparse(eye(8)), noise), spoil(eye(8) + zeros(8), noise)));
  spike = struct('spike', struct('positions', {{[0.1 0.2 0.3]}}, 'intensity', 1));
  spike.rescale = true;
  [spoiled, parameters] = spoil(image, spike);
  assert(min(spoiled(:)) == 0 && max(spoiled(:)) == 1);
  assert(isequal(spoil(image, parameters), spoiled));
  [~, last] = spoil(image, noise, intmax('uint64'));
  [~, before] = spoil(image, noise, intmax('uint64') - 1);
  assert(~strcmp(last, before) && ~strcmp(last, parameters_of(noise, image)));

  % What is refused.
  refused('coopseg:invalid_config', 'goasting', @() spoil(image, struct('goasting', struct())));
  refused('coopseg:invalid_config', '`ghosting.severity` is 6; expected at least 1 and at most 5', ...
          @() spoil(image, struct('ghosting', struct('severity', 6))));
  refused('coopseg:invalid_config', '`ghosting` and `noise`', ...
          @() spoil(image, struct('ghosting', struct(), 'noise', struct())));
  refused('coopseg:invalid_config', 'no artefact is named', @() spoil(image, struct()));
  refused('coopseg:invalid_config', 'JSON', @() spoil(image, 'ghosting'));
  refused('coopseg:invalid_geometry', 'motion is measured in mm', @() spoil(image, motion));
  refused('coopseg:invalid_geometry', 'blur is measured in mm', @() spoil(image, '{"blur" : {}}', 1));
  refused('coopseg:invalid_geometry', 'no spacing', @() spoil(image, noise, 1, struct()));
  refused('coopseg:invalid_argument', 'the seed is -1', @() spoil(image, noise, -1));
  refused('coopseg:invalid_argument', 'the seed is 0.5', @() spoil(image, noise, 0.5));
  refused('coopseg:invalid_argument', 'the seed is NaN', @() spoil(image, noise, NaN));
  refused('coopseg:invalid_argument', 'the seed is 1', @() spoil(image, noise, 2 ^ 60));
  refused('coopseg:invalid_argument', 'class char and size [1 2]', @() spoil(image, noise, 'ab'));
  broken = image;
  broken(4, 3, 2) = NaN;
  refused('coopseg:invalid_argument', 'x 3, y 2, z 1', @() spoil(broken, noise));
  refused('coopseg:invalid_argument', 'complex', @() spoil(image + 1i, noise));
  refused('coopseg:invalid_shape', '4 axes', @() spoil(cat(4, image, image), noise));
  refused('coopseg:invalid_shape', '', @() spoil(zeros(0, 5), noise));
  assert(isequal(spoil(image, noise), expected));
end

function parameters = parameters_of(artefact, image)
  [~, parameters] = coopseg.simulateArtefact(image, artefact);
end
