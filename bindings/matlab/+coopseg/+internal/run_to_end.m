function [report, maps] = run_to_end(run, image, progress)
  % Takes a run of coopseg_mex to its end. Between two slices the control is here, so Ctrl-C and errors of the progress
  % function leave from here; the run then ends with this function's variables.

  % The image is bound too, so that it outlives the run.
  ending = onCleanup(@() coopseg_mex('stop', run, image));
  while true
    [done, slices] = coopseg_mex('advance', run, image);
    if done < 0
      break
    end
    if ~isempty(progress)
      progress(done, slices);
    end
  end
  [report, maps] = coopseg_mex('finish', run);
  report = coopseg.internal.from_json(report);
end
