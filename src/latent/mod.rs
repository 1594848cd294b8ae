//! Latent-space data augmentation: masks on the latent codes, and the hard examples that the decoders
//! make of masked codes (paper §2.3).

mod config;
mod hard_example;
mod mask;

pub use config::{AnnealingDraw, HardExamples, Scheme, SchemeDraw, Source, Threshold};
pub use hard_example::{HardExample, HardExampleMaker, MaskedCode};
pub use mask::{MaskDraw, draw_masks, mask};
