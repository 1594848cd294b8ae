//! libtorch's errors in the crate's own words.

use crate::error::Error;
use tch::TchError;

impl From<TchError> for Error {
    fn from(error: TchError) -> Self {
        let text = match &error {
            TchError::Torch(text) => text.clone(),
            other => other.to_string(),
        };
        from_message(&text)
    }
}

/// libtorch appends a C++ stack trace to its messages; only what precedes it is for people.
fn from_message(text: &str) -> Error {
    let sentence = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Exception raised from") && !line.starts_with("frame #"))
        .filter(|line| !line.is_empty())
        .take(3)
        .collect::<Vec<_>>()
        .join(" ");
    let memory = [
        "out of memory",
        "not enough memory",
        "can't allocate memory",
        "bad_alloc",
        // cuBLAS and cuDNN; and what libtorch says when there was no memory for any of cuDNN's algorithms.
        "ALLOC_FAILED",
        "unable to find an engine",
    ];
    if memory.iter().any(|words| text.contains(words)) {
        Error::OutOfMemory(sentence)
    } else {
        Error::Torch(sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_traces_are_cut() {
        let error =
            from_message("shape '[3]' is invalid\nException raised from infer_size at x.h:1\nframe #0: y");
        assert_eq!(error.to_string(), "libtorch: shape '[3]' is invalid");
    }

    #[test]
    fn exhausted_memory_is_its_own_kind() {
        for text in [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "GET was unable to find an engine to execute this computation",
        ] {
            assert!(matches!(from_message(text), Error::OutOfMemory(_)), "{text}");
        }
        let refused = tch::Tensor::f_zeros([1 << 46], (tch::Kind::Float, tch::Device::Cpu)).unwrap_err();
        assert!(matches!(Error::from(refused), Error::OutOfMemory(_)));
    }
}
