function test_runtime(prefix)
  % What the library says of itself, and its threads.
  info = coopseg.buildInfo();
  header = fileread(fullfile(prefix, 'include', 'coopseg', 'coopseg.h'));
  numbers = regexp(header, '#define COOPSEG_VERSION_[A-Z]+ (\d+)', 'tokens');
  assert(strcmp(info.version, strjoin([numbers{:}], '.')));
  found = coopseg.devices();
  assert(any(strcmp(found.devices, 'cpu')) && any(strcmp(found.devices, found.auto)));
  assert(islogical(found.cuda.available));
  before = coopseg.threads();
  assert(coopseg.threads(1) == 1 && coopseg.threads() == 1);
  assert(coopseg.threads(before) == before);
end
