function refused(identifier, words, call)
  % Fails unless the call raises an error with this identifier, whose message has these words.
  try
    call();
  catch problem
    if ~strcmp(problem.identifier, identifier) || ~(isempty(words) || any(strfind(problem.message, words)))
      error('refused with %s: "%s" instead of %s: "... %s ..."', problem.identifier, problem.message, identifier, ...
            words);
    end
    return
  end
  error('not refused: %s', func2str(call));
end
