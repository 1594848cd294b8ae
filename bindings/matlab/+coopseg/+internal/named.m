function values = named(values, given)
  % Names and values of a call over their defaults, a struct; unknown names are refused.
  if mod(numel(given), 2) ~= 0
    error('coopseg:invalid_argument', 'expected pairs of a name and a value after the first arguments');
  end
  for k = 1:2:numel(given)
    name = char(given{k});
    if ~isfield(values, name)
      error('coopseg:invalid_argument', 'there is no argument "%s"; expected some of %s', name, ...
            strjoin(fieldnames(values)', ', '));
    end
    values.(name) = given{k + 1};
  end
end
