function value = from_json(bytes)
  % A JSON text of coopseg_mex as struct.
  value = jsondecode(native2unicode(bytes, 'UTF-8'));
end
