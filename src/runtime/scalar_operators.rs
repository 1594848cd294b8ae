//! libtorch's operators with numbers. tch's own panic where such an operator fails, because the number they pass is
//! given back, and the pending error met, before the result is looked at.

use std::ffi::CStr;
use tch::{TchError, Tensor};
use torch_sys::{C_scalar, C_tensor, c_generated as raw};

/// A number next to a tensor.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer, which leaves tensors of integers as they are.
    Whole(i64),
    /// A number that need not be whole.
    Real(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::Whole(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number::Real(value)
    }
}

macro_rules! scalar_operators {
    ($($name:ident = $function:ident($($tensor:ident,)* $(; $number:ident)+);)+) => {
        /// Operators between tensors and numbers, of libtorch's names, after `try_`, and meanings; those that end
        /// in `_` change the tensor itself.
        pub trait ScalarOperators {
            $(#[doc = concat!("`", stringify!($function), "` of torch-sys, with its error.")]
            fn $name(
                &self, $($tensor: &Tensor,)* $($number: impl Into<Number>),+
            ) -> std::result::Result<Tensor, TchError>;)+
        }

        impl ScalarOperators for Tensor {
            $(fn $name(
                &self, $($tensor: &Tensor,)* $($number: impl Into<Number>),+
            ) -> std::result::Result<Tensor, TchError> {
                $(let $number = Scalar::new($number.into())?;)+
                let mut result: *mut C_tensor = std::ptr::null_mut();
                // SAFETY: the tensors and numbers live during the call, which writes one tensor or leaves an error.
                unsafe {
                    raw::$function(
                        &mut result,
                        self.as_ptr().cast_mut(),
                        $($tensor.as_ptr().cast_mut(),)*
                        $($number.0),+
                    )
                };
                pending_error()?;
                // SAFETY: without an error the call has written a tensor that belongs to the caller.
                Ok(unsafe { Tensor::from_ptr(result) })
            })+
        }
    };
}

scalar_operators! {
    try_add_scalar = atg_add_scalar(; other);
    try_add_scalar_ = atg_add_scalar_(; other);
    try_sub_scalar = atg_sub_scalar(; other);
    try_mul_scalar = atg_mul_scalar(; other);
    try_mul_scalar_ = atg_mul_scalar_(; other);
    try_div_scalar = atg_div_scalar(; other);
    try_clamp = atg_clamp(; least; greatest);
    try_clamp_min = atg_clamp_min(; least);
    try_eq = atg_eq(; other);
    try_lt = atg_lt(; other);
    try_bitwise_and = atg_bitwise_and(; other);
    try_bitwise_right_shift = atg_bitwise_right_shift_tensor_scalar(; other);
    try_fill_ = atg_fill_(; value);
    try_masked_fill = atg_masked_fill(mask,; value);
    try_lerp = atg_lerp(end,; weight);
    try_lerp_ = atg_lerp_(end,; weight);
}

/// A number of libtorch's.
struct Scalar(*mut C_scalar);

impl Scalar {
    fn new(number: Number) -> std::result::Result<Self, TchError> {
        // SAFETY: makes a number that belongs to the caller, or leaves an error.
        let made = unsafe {
            match number {
                Number::Whole(value) => torch_sys::ats_int(value),
                Number::Real(value) => torch_sys::ats_float(value),
            }
        };
        pending_error()?;
        Ok(Scalar(made))
    }
}

impl Drop for Scalar {
    fn drop(&mut self) {
        // SAFETY: it belongs to this value. Giving it back cannot fail, and leaves a pending error alone.
        unsafe { torch_sys::ats_free(self.0) }
    }
}

/// The error that this thread's last call left, which is taken away.
fn pending_error() -> std::result::Result<(), TchError> {
    // SAFETY: null, or a string that belongs to the caller and that malloc() made.
    unsafe {
        let text = torch_sys::get_and_reset_last_err();
        if text.is_null() {
            return Ok(());
        }
        let error = TchError::Torch(CStr::from_ptr(text).to_string_lossy().into_owned());
        libc::free(text.cast());
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use tch::{Device, Kind};

    #[test]
    fn results_are_those_of_libtorch() {
        let x = Tensor::from_slice(&[-1.0f32, 0.5, 3.0]);
        let values = |tensor: &Tensor| Vec::<f32>::try_from(tensor).unwrap();
        assert_eq!(values(&x.try_clamp(0.0, 1.0).unwrap()), [0.0, 0.5, 1.0]);
        assert_eq!(values(&x.try_div_scalar(2.0).unwrap().try_add_scalar(1).unwrap()), [0.5, 1.25, 2.5]);
        assert_eq!(values(&x.try_lerp(&x.zeros_like(), 0.5).unwrap()), [-0.5, 0.25, 1.5]);
        assert_eq!(values(&x.try_masked_fill(&x.try_lt(0.0).unwrap(), 7).unwrap()), [7.0, 0.5, 3.0]);
        let _ = x.try_mul_scalar_(2.0).unwrap();
        assert_eq!(values(&x), [-2.0, 1.0, 6.0]);

        let whole = Tensor::from_slice(&[-5i64, 6]);
        let shifted = whole.try_bitwise_right_shift(1).unwrap().try_bitwise_and(i64::MAX).unwrap();
        assert_eq!(Vec::<i64>::try_from(shifted).unwrap(), [-3i64 & i64::MAX, 3]);
    }

    #[test]
    fn gradients_flow() {
        let x = Tensor::from_slice(&[2.0f32, -2.0]).set_requires_grad(true);
        x.try_clamp_min(0.0).unwrap().try_mul_scalar(3.0).unwrap().sum(Kind::Float).backward();
        assert_eq!(Vec::<f32>::try_from(x.grad()).unwrap(), [3.0, 0.0]);
    }

    #[test]
    fn a_failure_is_an_error() {
        // Repeated without copying: the result is what does not fit.
        let huge = Tensor::zeros([1], (Kind::Float, Device::Cpu)).expand([1 << 46], false);
        let refused = huge.try_mul_scalar(2.0).unwrap_err();
        assert!(matches!(Error::from(refused), Error::OutOfMemory(_)));
        assert!(huge.try_bitwise_and(1).is_err());
        assert!(huge.narrow(0, 0, 3).try_mul_scalar(2.0).is_ok());
    }
}
