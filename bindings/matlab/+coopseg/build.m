function build(prefix, folder)
  % Compiles coopseg_mex for this MATLAB or Octave, against an installed coopseg.
  %
  %   coopseg.build(prefix)          beside the folder +coopseg
  %   coopseg.build(prefix, folder)  into another folder, which then belongs on the path too
  %
  % prefix  where coopseg is installed: the folder with include/ and lib/, lib64/ or lib/<architecture>/. The MEX file
  %         finds libcoopseg.so there by its absolute path, so build again when it moves.
  here = fileparts(fileparts(mfilename('fullpath')));
  if nargin < 2
    folder = here;
  end
  prefix = absolute(prefix);
  library = library_folder(prefix);
  if ~exist(fullfile(prefix, 'include', 'coopseg', 'coopseg.h'), 'file') || isempty(library)
    error('coopseg:file_not_found', ...
          '%s: no include/coopseg/coopseg.h and libcoopseg.so in lib, lib64 or lib/<architecture> there', prefix);
  end
  sources = fullfile(here, 'mex', {'coopseg_mex.c', 'run.c', 'values.c'});
  flags = [{['-I' fullfile(prefix, 'include')], ['-L' library]}, sources, {'-lcoopseg'}];
  % The compilers' own quoting fails for outputs in a folder with a space in its name.
  before = cd(absolute(folder));
  returning = onCleanup(@() cd(before));
  if exist('OCTAVE_VERSION', 'builtin')
    [said, status] = mkoctfile('--mex', '-o', 'coopseg_mex.mex', flags{:}, ['-Wl,-rpath,' library]);
    if status ~= 0
      error('coopseg:invalid_state', 'mkoctfile failed: %s', said);
    end
  else
    % The shell that links takes a folder with a space in its name for two unless it is quoted.
    mex('-output', 'coopseg_mex', flags{:}, ['LDFLAGS=$LDFLAGS -Wl,-rpath,"' library '"']);
  end
end

function folder = library_folder(prefix)
  % Where libcoopseg.so is; empty where it is nowhere.
  places = {'lib', 'lib64'};
  % Debian's packages have it in lib/x86_64-linux-gnu.
  below = dir(fullfile(prefix, 'lib', '*-linux-*'));
  for k = 1:numel(below)
    places{end + 1} = fullfile('lib', below(k).name);
  end
  folder = '';
  for k = 1:numel(places)
    if exist(fullfile(prefix, places{k}, 'libcoopseg.so'), 'file')
      folder = fullfile(prefix, places{k});
      return
    end
  end
end

function folder = absolute(folder)
  [found, attributes] = fileattrib(char(folder));
  if ~found
    error('coopseg:file_not_found', '%s: no such folder', char(folder));
  end
  folder = attributes.Name;
end
