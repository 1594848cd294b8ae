function bytes = text(value)
  % A text as coopseg_mex takes it: UTF-8.
  bytes = unicode2native(char(value), 'UTF-8');
  bytes = reshape(uint8(bytes), 1, []);
end
