//! Which processor the networks run on.

use super::{cuda, libtorch};
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use tch::Device;

/// What the caller asked for: `cpu`, `cuda`, `cuda:N` or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where it can be used, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its index.
    Cuda(usize),
}

impl Display for DeviceChoice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()).map(DeviceChoice::Cuda).ok_or_else(
                || {
                    Error::InvalidConfig(format!(
                        "`device` is \"{text}\"; expected \"auto\", \"cpu\", \"cuda\" or \"cuda:N\""
                    ))
                },
            ),
        }
    }
}

impl DeviceChoice {
    /// The device to use, or why it cannot be used.
    pub fn resolve(self) -> Result<Device> {
        libtorch::start()?;
        let index = match self {
            DeviceChoice::Cpu => return Ok(Device::Cpu),
            DeviceChoice::Auto if cuda::unavailable_reason().is_some() => return Ok(Device::Cpu),
            DeviceChoice::Auto => 0,
            DeviceChoice::Cuda(index) => index,
        };
        if let Some(reason) = cuda::unavailable_reason() {
            return Err(Error::DeviceUnavailable(format!("device `cuda:{index}` cannot be used: {reason}")));
        }
        let count = cuda::device_count();
        if i64::try_from(index).map_or(true, |index| index >= count) {
            return Err(Error::DeviceUnavailable(format!(
                "device `cuda:{index}` does not exist; this machine has {count} CUDA device(s), from 0"
            )));
        }
        Ok(Device::Cuda(index))
    }
}

/// What a device is called in configurations and messages: `cpu`, `cuda:0`, …
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => DeviceChoice::Cpu.to_string(),
        Device::Cuda(index) => DeviceChoice::Cuda(index).to_string(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The devices of this machine and, where CUDA cannot be used, why.
pub fn describe_devices() -> Result<Value> {
    libtorch::start()?;
    let reason = cuda::unavailable_reason();
    let count = if reason.is_none() { cuda::device_count() } else { 0 };
    let mut devices = vec![json!("cpu")];
    devices.extend((0..count).map(|index| json!(format!("cuda:{index}"))));
    Ok(json!({
        "devices": devices,
        "auto": if count > 0 { "cuda:0" } else { "cpu" },
        "cuda": { "available": reason.is_none(), "reason": reason },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_read_and_others_refused() {
        assert_eq!("cuda:3".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(3));
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for name in ["auto", "cpu", "cuda:11"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!(device_name(Device::Cuda(3)), "cuda:3");
        assert_eq!(device_name(Device::Cpu), "cpu");
        for bad in ["", "gpu", "cuda:", "cuda:-1", "CPU", "cuda:x"] {
            let message = bad.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(message.contains("expected \"auto\""), "{message}");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_the_reason() {
        let Err(Error::DeviceUnavailable(message)) = DeviceChoice::Cuda(99).resolve() else {
            panic!("cuda:99 was accepted")
        };
        assert!(message.contains("cuda:99"), "{message}");
    }

    #[test]
    fn the_cpu_is_always_listed_and_a_missing_cuda_has_a_reason() {
        let devices = describe_devices().unwrap();
        assert_eq!(devices["devices"][0], "cpu");
        assert_eq!(devices["cuda"]["available"].as_bool().unwrap(), devices["cuda"]["reason"].is_null());
    }
}
