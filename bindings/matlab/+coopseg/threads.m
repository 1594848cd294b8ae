function count = threads(count)
  % How many threads one operation on the CPU may use.
  %
  %   count = coopseg.threads()
  %   coopseg.threads(count)      sets it: 1 to 4096, for the whole process
  %
  % MATLAB's and Octave's own functions keep theirs (maxNumCompThreads, OMP_NUM_THREADS).
  if nargin > 0
    coopseg_mex('set_threads', count);
  end
  count = coopseg_mex('threads');
end
