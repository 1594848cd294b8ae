function found = devices()
  % The devices that can be used, and why CUDA cannot where it cannot.
  %
  %   found = coopseg.devices()
  %
  % found  struct: devices (names for the option "device"), auto (what 'auto' stands for), cuda (available, reason)
  found = coopseg.internal.from_json(coopseg_mex('devices'));
end
