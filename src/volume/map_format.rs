//! Type and shape of maps that callers provide, and what is expected of them.

use super::Dtype;
use crate::error::{Error, Result};

/// Type and shape of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapFormat {
    /// The type of the elements.
    pub dtype: Dtype,
    /// Number of elements along x, y, z, class.
    pub shape: [usize; 4],
}

impl MapFormat {
    /// Refuses another shape than `expected` (x, y, z) and types that cannot hold every class.
    pub fn expect_labels(self, [x, y, z]: [usize; 3], classes: usize) -> Result<()> {
        self.expect_shape([x, y, z, 1])?;
        if self.dtype == Dtype::I8 && classes > 128 {
            return Err(Error::InvalidArgument(format!(
                "i8 cannot hold {classes} classes; expected u8 or a wider type"
            )));
        }
        Ok(())
    }

    /// Refuses another shape than `expected` (x, y, z, class) and types other than f32 and f64.
    pub fn expect_map(self, expected: [usize; 4]) -> Result<()> {
        self.expect_shape(expected)?;
        match self.dtype {
            Dtype::F32 | Dtype::F64 => Ok(()),
            other => Err(Error::InvalidArgument(format!("dtype is {}; expected f32 or f64", other.name()))),
        }
    }

    fn expect_shape(self, expected: [usize; 4]) -> Result<()> {
        if self.shape == expected {
            return Ok(());
        }
        let text = |shape: [usize; 4]| {
            // The class axis is worth mentioning only where there is one.
            let axes = if self.shape[3] == 1 && expected[3] == 1 { 3 } else { 4 };
            shape.iter().take(axes).map(usize::to_string).collect::<Vec<_>>().join("×")
        };
        Err(Error::InvalidShape(format!("shape is {}; expected {}", text(self.shape), text(expected))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_cannot_hold_what_is_written_are_refused() {
        let format = |dtype| MapFormat { dtype, shape: [3, 2, 2, 1] };
        format(Dtype::I8).expect_labels([3, 2, 2], 128).unwrap();
        let too_many = format(Dtype::I8).expect_labels([3, 2, 2], 129);
        assert!(matches!(too_many, Err(Error::InvalidArgument(text)) if text.contains("129 classes")));
        format(Dtype::F64).expect_map([3, 2, 2, 1]).unwrap();
        let whole = format(Dtype::I8).expect_map([3, 2, 2, 1]);
        assert!(matches!(whole, Err(Error::InvalidArgument(text)) if text.contains("i8")));
    }

    #[test]
    fn other_shapes_are_refused_with_both() {
        let format = MapFormat { dtype: Dtype::I8, shape: [3, 2, 2, 1] };
        let text = format.expect_labels([3, 2, 1], 2).unwrap_err().to_string();
        assert_eq!(text, "shape is 3×2×2; expected 3×2×1");
        let text = format.expect_map([3, 2, 2, 4]).unwrap_err().to_string();
        assert_eq!(text, "shape is 3×2×2×1; expected 3×2×2×4");
    }
}
