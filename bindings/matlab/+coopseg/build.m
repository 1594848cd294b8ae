function build(prefix, folder)
  % Compiles coopseg_mex for this MATLAB or Octave, against an installed coopseg.
  %
  %   coopseg.build(prefix)          beside the folder +coopseg
  %   coopseg.build(prefix, folder)  into another folder, which then belongs on the path too
  %
  % prefix  where coopseg is installed: the folder with include/ and lib/. The MEX file finds libcoopseg.so there by
  %         its absolute path, so build again when it moves.
  here = fileparts(fileparts(mfilename('fullpath')));
  if nargin < 2
    folder = here;
  end
  prefix = absolute(prefix);
  library = fullfile(prefix, 'lib');
  if ~exist(fullfile(prefix, 'include', 'coopseg', 'coopseg.h'), 'file') || ...
     ~exist(fullfile(library, 'libcoopseg.so'), 'file')
    error('coopseg:file_not_found', '%s: no include/coopseg/coopseg.h and lib/libcoopseg.so there', prefix);
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
    mex('-output', 'coopseg_mex', flags{:}, ['LDFLAGS=$LDFLAGS -Wl,-rpath,' library]);
  end
end

function folder = absolute(folder)
  [found, attributes] = fileattrib(char(folder));
  if ~found
    error('coopseg:file_not_found', '%s: no such folder', char(folder));
  end
  folder = attributes.Name;
end
