//! What distinguishes one pair of networks from another.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which code feeds which decoder (paper Table 2, "share code").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeSharing {
    /// The image code z_i feeds the image decoder, the decoupled shape code z_s = H(z_i) the
    /// segmentation decoder.
    #[default]
    None,
    /// Variant (a): z_i feeds both decoders.
    Image,
    /// Variant (b): z_s feeds both decoders.
    Shape,
}

/// Sizes of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Channels of the first block; the codes have eight times as many. 16 in the paper.
    pub width: i64,
    /// Channels of the images.
    pub channels: i64,
    /// Number of classes, background included.
    pub classes: i64,
    /// Which code feeds which decoder.
    pub code_sharing: CodeSharing,
}

impl Architecture {
    /// Channels of the latent codes.
    pub fn code_channels(&self) -> i64 {
        8 * self.width
    }

    /// Refuses sizes that no network can have.
    pub fn validate(&self) -> Result<()> {
        if !(1..=256).contains(&self.width) {
            return Err(Error::InvalidConfig(format!(
                "`network.width` is {}; expected 1 to 256",
                self.width
            )));
        }
        if !(1..=4).contains(&self.channels) {
            return Err(Error::InvalidConfig(format!(
                "`network.channels` is {}; expected 1 to 4",
                self.channels
            )));
        }
        if !(2..=255).contains(&self.classes) {
            return Err(Error::InvalidConfig(format!(
                "`network.classes` names {} classes; expected 2 to 255, background first",
                self.classes
            )));
        }
        Ok(())
    }
}
