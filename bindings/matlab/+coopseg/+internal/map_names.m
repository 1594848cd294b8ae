function names = map_names()
  % The maps of a segmentation, in the order of coopseg_mex.
  names = {'labels', 'fast_labels', 'probabilities', 'entropy', 'disagreement'};
end
