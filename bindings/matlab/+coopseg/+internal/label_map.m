function labels = label_map(labels)
  % A label map as array of an integer type: NIfTI readers often give whole numbers as double.
  labels = coopseg.internal.dense(labels);
  if isfloat(labels)
    whole = int32(labels);
    if any(double(whole(:)) ~= double(labels(:)))
      error('coopseg:invalid_label', 'a label map holds a value that is not a whole number');
    end
    labels = whole;
  end
end
