function test_metrics(material)
  % Dice and surface distances: the C library's own numbers, and some known ones.
  file = @(name) fullfile(material, name);
  reference = uint8(nifti_voxels(file('reference.nii')));
  predicted = nifti_voxels(file('labels.nii'));
  expected = dlmread(file('scores.txt'));

  assert(isequal(coopseg.dice(reference, predicted, 4), expected(1, :)));
  [~, grid] = coopseg.readLabels(file('reference.nii'));
  [hd95, assd] = coopseg.surfaceDistances(reference, predicted, 4, grid);
  assert(isequal(hd95, expected(2, :)) && isequal(assd, expected(3, :)));
  for k = 0:3
    a = reference == k;
    b = predicted == k;
    assert(abs(expected(1, k + 1) - 2 * sum(a(:) & b(:)) / (sum(a(:)) + sum(b(:)))) < 1e-12);
  end
  assert(isequal(coopseg.dice(double(reference), int16(predicted), 4), expected(1, :)));
  assert(isequaln(coopseg.dice(true(3), true(3), 3), [NaN 1 NaN]));

  point = zeros(9, 9);
  moved = point;
  point(3, 3) = 1;
  moved(6, 7) = 1;
  [hd95, assd] = coopseg.surfaceDistances(point, moved, 2, [2 3]);
  assert(abs(hd95(2) - hypot(3 * 2, 4 * 3)) < 1e-12 && abs(assd(2) - hd95(2)) < 1e-12);
end
