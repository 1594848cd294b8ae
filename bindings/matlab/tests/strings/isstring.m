function answer = isstring(value)
  % As MATLAB's, for what stands in for MATLAB's strings.
  answer = isa(value, 'StringOfMatlab');
end
