classdef StringOfMatlab
  % What MATLAB makes of a text in double quotes, which Octave takes for a char array.

  properties
    Text
  end

  methods
    function self = StringOfMatlab(text)
      self.Text = text;
    end

    function text = char(self)
      text = self.Text;
    end
  end
end
