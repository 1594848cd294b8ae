//! The scalar types of voxels.

use crate::error::{Error, Result};

/// The type of a voxel. The values are those of the C interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Dtype {
    /// Unsigned 8-bit integer.
    U8 = 1,
    /// Signed 8-bit integer.
    I8 = 2,
    /// Unsigned 16-bit integer.
    U16 = 3,
    /// Signed 16-bit integer.
    I16 = 4,
    /// Unsigned 32-bit integer.
    U32 = 5,
    /// Signed 32-bit integer.
    I32 = 6,
    /// Unsigned 64-bit integer.
    U64 = 7,
    /// Signed 64-bit integer.
    I64 = 8,
    /// 32-bit floating point.
    F32 = 9,
    /// 64-bit floating point.
    F64 = 10,
}

impl Dtype {
    /// All types in the order of their values.
    pub const ALL: [Dtype; 10] = [
        Dtype::U8,
        Dtype::I8,
        Dtype::U16,
        Dtype::I16,
        Dtype::U32,
        Dtype::I32,
        Dtype::U64,
        Dtype::I64,
        Dtype::F32,
        Dtype::F64,
    ];

    /// Bytes of one voxel.
    pub fn size(self) -> usize {
        match self {
            Dtype::U8 | Dtype::I8 => 1,
            Dtype::U16 | Dtype::I16 => 2,
            Dtype::U32 | Dtype::I32 | Dtype::F32 => 4,
            Dtype::U64 | Dtype::I64 | Dtype::F64 => 8,
        }
    }

    /// Short name: `u8`, `i16`, `f32`, …
    pub fn name(self) -> &'static str {
        match self {
            Dtype::U8 => "u8",
            Dtype::I8 => "i8",
            Dtype::U16 => "u16",
            Dtype::I16 => "i16",
            Dtype::U32 => "u32",
            Dtype::I32 => "i32",
            Dtype::U64 => "u64",
            Dtype::I64 => "i64",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
        }
    }
}

impl TryFrom<i32> for Dtype {
    type Error = Error;

    fn try_from(value: i32) -> Result<Self> {
        Dtype::ALL.into_iter().find(|dtype| *dtype as i32 == value).ok_or_else(|| {
            let accepted: Vec<String> =
                Dtype::ALL.iter().map(|dtype| format!("{} ({})", *dtype as i32, dtype.name())).collect();
            Error::InvalidArgument(format!("dtype is {value}; expected one of {}", accepted.join(", ")))
        })
    }
}

/// A voxel value as it lies in memory, in the machine's byte order.
pub(crate) trait Scalar: Copy + std::fmt::Display {
    /// Reads from exactly as many bytes as the type has; fewer or more read as 0.
    fn load(bytes: &[u8]) -> Self;
    /// Writes to exactly as many bytes as the type has; nothing is written to fewer or more.
    fn store(self, bytes: &mut [u8]);
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    /// The value if it is a whole number.
    fn whole(self) -> Option<i128>;
    /// The value of a class, if the type can hold it.
    fn from_class(class: u8) -> Option<Self>;
}

macro_rules! scalar {
    ($type:ty, $whole:expr, $from_class:expr) => {
        impl Scalar for $type {
            fn load(bytes: &[u8]) -> Self {
                bytes.try_into().map(<$type>::from_ne_bytes).unwrap_or_default()
            }

            fn store(self, bytes: &mut [u8]) {
                let own = self.to_ne_bytes();
                if bytes.len() == own.len() {
                    bytes.copy_from_slice(&own);
                }
            }

            fn to_f32(self) -> f32 {
                self as f32
            }

            fn to_f64(self) -> f64 {
                self as f64
            }

            fn whole(self) -> Option<i128> {
                $whole(self)
            }

            fn from_class(class: u8) -> Option<Self> {
                $from_class(class)
            }
        }
    };
}

scalar!(u8, |v| Some(v as i128), Some);
scalar!(i8, |v| Some(v as i128), |c| i8::try_from(c).ok());
scalar!(u16, |v| Some(v as i128), |c| Some(c as u16));
scalar!(i16, |v| Some(v as i128), |c| Some(c as i16));
scalar!(u32, |v| Some(v as i128), |c| Some(c as u32));
scalar!(i32, |v| Some(v as i128), |c| Some(c as i32));
scalar!(u64, |v| Some(v as i128), |c| Some(c as u64));
scalar!(i64, |v| Some(v as i128), |c| Some(c as i64));
scalar!(f32, |v: f32| (v.is_finite() && v == v.trunc()).then_some(v as i128), |c| Some(c as f32));
scalar!(f64, |v: f64| (v.is_finite() && v == v.trunc()).then_some(v as i128), |c| Some(c as f64));

/// Evaluates `$body` with `$scalar` standing for the Rust type of `$dtype`.
macro_rules! with_scalar {
    ($dtype:expr, $scalar:ident => $body:expr) => {
        with_scalar!(@arms $dtype, $scalar, $body,
            U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64)
    };
    (@arms $dtype:expr, $scalar:ident, $body:expr, $($variant:ident $type:ty),*) => {
        match $dtype {
            $($crate::volume::Dtype::$variant => {
                type $scalar = $type;
                $body
            })*
        }
    };
}
pub(crate) use with_scalar;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_interface() {
        for (index, dtype) in Dtype::ALL.into_iter().enumerate() {
            assert_eq!(dtype as usize, index + 1);
            assert_eq!(Dtype::try_from(index as i32 + 1).unwrap(), dtype);
            assert_eq!(with_scalar!(dtype, T => size_of::<T>()), dtype.size());
            assert_eq!(with_scalar!(dtype, T => std::any::type_name::<T>()), dtype.name());
        }
        for value in [0, 11, -1, i32::MAX] {
            let text = Dtype::try_from(value).unwrap_err().to_string();
            assert!(text.contains(&value.to_string()) && text.contains("10 (f64)"), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_told_from_others() {
        assert_eq!(u64::MAX.whole(), Some(u64::MAX as i128));
        assert_eq!((-0.0f32).whole(), Some(0));
        assert_eq!(2.5f64.whole(), None);
        assert_eq!(f32::NAN.whole(), None);
        assert_eq!(f64::NEG_INFINITY.whole(), None);
        assert_eq!(i8::from_class(128), None);
    }
}
