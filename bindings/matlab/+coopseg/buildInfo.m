function info = buildInfo()
  % Describes the library and the libtorch that it runs on.
  %
  %   info = coopseg.buildInfo()
  %
  % info  struct: version, abi_version, target, libtorch (expected and loaded version, folder)
  info = coopseg.internal.from_json(coopseg_mex('build_info'));
end
