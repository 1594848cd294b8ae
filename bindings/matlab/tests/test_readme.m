function test_readme(material, work)
  % What README.md shows works as it is written, and the messages that it explains are the package's.
  folder = fileparts(fileparts(mfilename('fullpath')));
  readme = fileread(fullfile(folder, 'README.md'));
  blocks = regexp(readme, '```matlab\n(.*?)```', 'tokens');
  assert(numel(blocks) >= 2);
  copyfile(fullfile(material, 'model.coopseg'), fullfile(work, 'model.coopseg'));
  [image, grid] = coopseg.readImage(fullfile(material, 'image.nii'));
  coopseg.writeImage(fullfile(work, 'image.nii.gz'), image, grid);
  coopseg.writeImage(fullfile(work, 'reference.nii.gz'), coopseg.readLabels(fullfile(material, 'reference.nii')), grid);
  if ~exist(fullfile(work, 'bindings'), 'dir')
    mkdir(fullfile(work, 'bindings'));
    copyfile(folder, fullfile(work, 'bindings', 'matlab'));
  end
  searched = path();
  before = cd(work);
  returning = onCleanup(@() return_to(before, searched));
  compared = {'fprintf(''again spoiled: %d\n'', isequal(again, spoiled) && ~isequal(again, image))'};
  said = run_blocks([blocks{:}, compared]);
  assert(~isempty(regexp(said, 'LV: \d+\.\d ml, entropy \d\.\d{3}', 'once')));
  assert(isequal(coopseg.readLabels('labels.nii.gz'), nifti_voxels(fullfile(material, 'labels.nii'))));
  assert(exist(fullfile(work, 'entropy.nii.gz'), 'file') ~= 0);
  assert(~isempty(regexp(said, 'after =\s+\d', 'once')) && any(strfind(said, 'again spoiled: 1')));

  sources = [fileread(fullfile(folder, 'mex', 'coopseg_mex.c')), fileread(fullfile(folder, '+coopseg', 'build.m')), ...
             fileread(fullfile(folder, '+coopseg', '+internal', 'grid_values.m'))];
  words = {'was compiled for ABI', 'has no spacing', 'is its transpose'};
  for k = 1:numel(words)
    assert(any(strfind(readme, words{k})) && any(strfind(sources, words{k})), words{k});
  end
end

function said = run_blocks(blocks)
  % One workspace for all of them, as for a reader who types them in.
  said = evalc(strjoin(blocks, sprintf('\n')));
end

function return_to(folder, searched)
  path(searched);
  cd(folder);
end
