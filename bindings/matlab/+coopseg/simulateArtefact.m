function [spoiled, parameters] = simulateArtefact(image, artefact, seed, grid)
  % Spoils an image with one artefact of magnetic resonance.
  %
  %   spoiled = coopseg.simulateArtefact(image, struct('ghosting', struct('severity', 3)))
  %   [spoiled, parameters] = coopseg.simulateArtefact(image, artefact, seed, grid)
  %
  % image       numeric or logical array, X×Y or X×Y×Z, of finite values. Of several channels: call it for each, with
  %             the parameters of the first for the others.
  % artefact    struct (or JSON text) whose one field is the artefact: bias_field, ghosting, motion, spike, noise, blur,
  %             gamma or downsampling. That field's value holds severity, 1 to 5, or the artefact's own keys; what they
  %             leave out is drawn. "rescale", true, beside the artefact scales the result to 0 to 1. coopseg.h lists
  %             all keys at coopseg_artefact_simulate. A list of lists is a cell, such as {[0.1 0.2 0.3]}.
  % seed        of what is drawn: whole number from 0; uint64 beyond flintmax. 0 unless given.
  % grid        [x y z] distances of the voxels in mm, or a struct: see coopseg.readImage. Needed for blur and motion,
  %             which are measured in mm.
  %
  % spoiled     single, of the image's size
  % parameters  exactly what was applied, as JSON text, since jsondecode would round large numbers and flatten lists.
  %             Given as artefact, with any seed, it makes the same image bit for bit.
  %
  % Errors: coopseg:invalid_config (unknown artefact or key, value out of range, by name), coopseg:invalid_argument
  % (seed, NaN, type), coopseg:invalid_shape, coopseg:invalid_geometry (grid), coopseg:out_of_memory.
  if nargin < 3
    seed = 0;
  end
  artefact = coopseg.internal.to_json(artefact);
  image = coopseg.internal.dense(image);
  if nargin < 4
    in_millimetres = regexp(artefact, '"(blur|motion)"\s*:', 'tokens', 'once');
    if ~isempty(in_millimetres)
      error('coopseg:invalid_geometry', '%s is measured in mm and needs the grid: distances [x y z] or a struct', ...
            in_millimetres{1});
    end
    grid = [1 1 1];
  end
  [spoiled, parameters] = coopseg_mex('simulate_artefact', image, coopseg.internal.grid_values(grid, image), ...
                                      coopseg.internal.text(artefact), seed_of(seed));
  parameters = native2unicode(parameters, 'UTF-8');
end

function seed = seed_of(seed)
  % Doubles beyond flintmax would stand for another seed than the one that was written.
  if ~isnumeric(seed) || ~isreal(seed) || ~isscalar(seed) || ~(seed >= 0) || seed ~= floor(seed) || ...
     (isfloat(seed) && seed > flintmax)
    error('coopseg:invalid_argument', 'the seed is %s; expected a whole number from 0, beyond flintmax as uint64', ...
          shown(seed));
  end
  seed = uint64(seed);
end

function words = shown(value)
  if isnumeric(value) && isscalar(value)
    words = num2str(value, 17);
  else
    words = sprintf('of class %s and size %s', class(value), mat2str(size(value)));
  end
end
