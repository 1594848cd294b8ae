function run_tests(material, work, prefix)
  % Runs all tests; fails when one does. material: the folder that material.c has filled; work: a folder for what the
  % tests write; prefix: where coopseg is installed.
  tests = {@() test_segment(material), @() test_files(material, work), @() test_errors(material, work), ...
           @() test_progress(material, work), @() test_lifetime(material), @() test_metrics(material), ...
           @() test_artefacts(material), @() test_strings(material), @() test_runtime(prefix), ...
           @() test_readme(material, work)};
  failed = 0;
  for k = 1:numel(tests)
    name = regexp(func2str(tests{k}), 'test_\w+', 'match', 'once');
    try
      tests{k}();
      fprintf('matlab: %s: ok\n', name);
    catch problem
      failed = failed + 1;
      fprintf('matlab: %s failed: %s\n', name, problem.message);
      for place = problem.stack'
        fprintf('    %s, line %d\n', place.name, place.line);
      end
    end
  end
  fprintf('matlab: %d passed, %d failed\n', numel(tests) - failed, failed);
  if failed > 0
    error('coopseg:failed_tests', '%d tests failed', failed);
  end
end
