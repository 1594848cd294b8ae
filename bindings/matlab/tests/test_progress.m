function test_progress(material, work)
  % Progress functions: what they hear, and what their errors and their own calls do.
  file = @(name) fullfile(material, name);
  image = nifti_voxels(file('image.nii'));
  spacing = [4 4.5 8];
  expected = nifti_voxels(file('labels.nii'));
  segmenter = coopseg.Segmenter(file('model.coopseg'), struct('device', 'cpu', 'chunk', 2));

  heard = segmenter_hears(segmenter, image, spacing);
  assert(isequal(heard, [1:5; repmat(5, 1, 5)]));

  % An error stops the run and arrives as it is; nothing is left behind, and no file is written.
  refused('mine:enough', 'enough of 5', @() segmenter.segment(image, spacing, 'progress', @stop_at_two));
  assert(runs() == 0);
  stopped = fullfile(work, 'stopped.nii');
  refused('mine:enough', 'enough', ...
          @() segmenter.segmentFile(file('image.nii'), 'labels', stopped, 'progress', @stop_at_two));
  assert(runs() == 0 && ~exist(stopped, 'file'));
  assert(isequal(segmenter.segment(image, spacing).labels, expected));

  % A progress function may segment, with the same segmenter too.
  nested = segmenter.segment(image, spacing, 'progress', @(done, slices) ...
                             assert(isequal(segmenter.segment(image, spacing).labels, expected)));
  assert(isequal(nested.labels, expected));

  % Nobody but the call holds the image.
  busy = @(done, slices) rand(200);
  assert(isequal(segmenter.segment(double(image) + 0, spacing, 'progress', busy).labels, expected));

  % A run outlives its segmenter's variable.
  brief = coopseg.Segmenter(file('model.coopseg'), struct('device', 'cpu'));
  assert(isequal(brief.segment(image, spacing, 'progress', @(done, slices) delete(brief)).labels, expected));

  % coopseg_mex may be cleared meanwhile: the run goes on, or ends with an error that says so.
  try
    cleared = segmenter.segment(image, spacing, 'progress', @(done, slices) evalin('base', 'clear all')).labels;
    assert(isequal(cleared, expected));
  catch problem
    assert(strcmp(problem.identifier, 'coopseg:cancelled'));
  end
  assert(runs() == 0);
  assert(isequal(segmenter.segment(image, spacing).labels, expected));
end

function heard = segmenter_hears(segmenter, image, spacing)
  global coopseg_heard
  coopseg_heard = zeros(2, 0);
  segmenter.segment(image, spacing, 'progress', @note);
  heard = coopseg_heard;
end

function note(done, slices)
  global coopseg_heard
  coopseg_heard(:, end + 1) = [done; slices];
end

function stop_at_two(done, slices)
  if done == 2
    error('mine:enough', 'enough of %d', slices);
  end
end

function count = runs()
  [~, count] = coopseg_mex('alive');
end
