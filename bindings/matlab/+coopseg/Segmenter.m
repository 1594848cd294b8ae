classdef Segmenter < handle
  % Segments images with one model on one device, by both networks.
  %
  %   segmenter = coopseg.Segmenter(file)
  %   segmenter = coopseg.Segmenter(file, options)
  %
  % file     model file
  % options  struct (or JSON text) with the keys that differ from the defaults:
  %            device      'auto', 'cpu', 'cuda:0', ...
  %            iterations  passes of the slow-thinking network (1); 0: the fast-thinking network alone
  %            precision   'float32' or 'bfloat16'; on GPUs 'float16', 'tensorfloat32'
  %            chunk       slices at once
  %          Unknown keys and values out of range are refused by name.
  %
  % The model is freed when the last variable that holds the segmenter is cleared, or by delete(segmenter).
  %
  % Errors have the identifier coopseg:<status>, such as coopseg:file_not_found, coopseg:file_format,
  % coopseg:invalid_config, coopseg:device_unavailable, coopseg:out_of_memory.
  %
  % See also coopseg.Segmenter.segment, coopseg.Segmenter.segmentFile, coopseg.devices.

  properties (SetAccess = private)
    ClassNames  % row cell of names, background first: label k is ClassNames{k + 1}
    Info        % struct: architecture, parameters, class_names, preprocess, training
  end

  % Not private: Octave would refuse it to the class itself after "clear all".
  properties (SetAccess = private, Hidden, Transient)
    Handle = uint64(0)
  end

  methods
    function self = Segmenter(file, options)
      if nargin < 2
        options = '';
      end
      [self.Handle, info] = coopseg_mex('open', coopseg.internal.text(file), ...
                                        coopseg.internal.text(coopseg.internal.to_json(options)));
      self.Info = coopseg.internal.from_json(info);
      self.ClassNames = reshape(self.Info.class_names, 1, []);
    end

    function delete(self)
      if self.Handle ~= 0
        coopseg_mex('free', self.Handle);
      end
    end

    function result = segment(self, image, grid, varargin)
      % Segments an image in memory, slice by slice along its third axis.
      %
      %   result = segmenter.segment(image, grid)
      %   result = segmenter.segment(image, grid, 'outputs', {'labels', 'entropy'}, 'progress', @(done, slices) ...)
      %
      % image     numeric or logical array X×Y or X×Y×Z; X×Y×Z×C for a model of C channels. Its first axis is x of a
      %           NIfTI image, as niftiread and coopseg.readImage give it. It is not copied.
      % grid      [x y z] distances of the voxels in mm, or a struct: see coopseg.readImage
      % outputs   one name or a cell of names, 'labels' unless given:
      %             'labels'         class of the highest final probability, from 0, uint8
      %             'fast_labels'    the same of the fast-thinking network alone
      %             'probabilities'  final probabilities, single, X×Y×Z×classes
      %             'entropy'        of the final probabilities in nats, single
      %             'disagreement'   of the two networks, 0 to 1, single
      % progress  function handle that hears of every slice. An error that it raises, or Ctrl-C, stops the
      %           segmentation and arrives here as it is; the segmenter stays usable.
      %
      % result    struct with the outputs by name and "report": slices, change_per_pass (share of pixels that each
      %           pass of the slow-thinking network changed), seconds
      %
      % Errors: coopseg:invalid_argument (constant image, NaN, type, unknown output), coopseg:invalid_shape (number of
      % channels), coopseg:invalid_geometry (grid), coopseg:out_of_memory, coopseg:invalid_handle (deleted segmenter).
      names = coopseg.internal.map_names();
      given = coopseg.internal.named(struct('outputs', {{'labels'}}, 'progress', []), varargin);
      outputs = cellstr(given.outputs);
      unknown = outputs(~ismember(outputs, names));
      if ~isempty(unknown)
        error('coopseg:invalid_argument', 'there is no output "%s"; expected some of %s', unknown{1}, ...
              strjoin(names, ', '));
      end
      image = coopseg.internal.dense(image);
      run = coopseg_mex('start', self.Handle, image, coopseg.internal.grid_values(grid, image), ...
                        double(ismember(names, outputs)), numel(self.ClassNames));
      [report, maps] = coopseg.internal.run_to_end(run, image, given.progress);
      result = struct();
      for k = find(ismember(names, outputs))
        result.(names{k}) = maps{k};
      end
      result.report = report;
    end

    function report = segmentFile(self, image, varargin)
      % Segments a NIfTI file and writes NIfTI files on its grid, each whole or not at all.
      %
      %   report = segmenter.segmentFile('image.nii.gz', 'labels', 'labels.nii.gz')
      %
      % image     path (.nii, .nii.gz), or a cell of paths, one for each channel
      % then      names and paths: 'labels', 'fast_labels', 'probabilities', 'entropy', 'disagreement'; at least one.
      %           'progress' as for segment.
      % report    as for segment
      %
      % Errors: as for segment, and coopseg:file_not_found, coopseg:file_io, coopseg:file_format,
      % coopseg:file_unsupported.
      names = coopseg.internal.map_names();
      defaults = [names, {'progress'}; repmat({''}, 1, numel(names)), {[]}];
      given = coopseg.internal.named(struct(defaults{:}), varargin);
      images = cellfun(@coopseg.internal.text, cellstr(image), 'UniformOutput', false);
      files = cellfun(@(name) coopseg.internal.text(given.(name)), names, 'UniformOutput', false);
      run = coopseg_mex('start_files', self.Handle, images, files);
      report = coopseg.internal.run_to_end(run, [], given.progress);
    end
  end
end
