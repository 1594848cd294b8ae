function json = to_json(value)
  % A struct as JSON text. A text is JSON already, also one of MATLAB's strings in double quotes.
  if ischar(value) || (isstring(value) && isscalar(value))
    json = char(value);
  else
    json = jsonencode(value);
  end
end
