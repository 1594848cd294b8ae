//! Encoder and decoder of layers that are ready for inference.

use super::layer::{Builder, Layer};
use crate::error::Result;
use crate::network::decoder;
use crate::network::encoder;
use crate::network::rectifier::Rectifier;
use tch::Tensor;

/// Two convolutions; the second ends with a rectifier of choice.
#[derive(Debug)]
pub struct Double {
    first: Layer,
    second: Layer,
}

impl Double {
    /// For inputs of `size` (height, width).
    pub fn new(
        builder: &Builder,
        layers: &encoder::DoubleConvolution,
        size: [i64; 2],
        last: Rectifier,
    ) -> Result<Self> {
        Ok(Double {
            first: builder.layer(&layers.first, Some(&layers.first_norm), size, Rectifier::LeakyRelu)?,
            second: builder.layer(&layers.second, Some(&layers.second_norm), size, last)?,
        })
    }

    /// Keeps the size.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.second.forward(&self.first.forward(x)?)
    }
}

/// LReLU(C1(x) + double(x)), of `x` as it is or with every pixel twice in each direction.
#[derive(Debug)]
struct Block {
    double: Double,
    shortcut: Layer,
    doubling: bool,
}

impl Block {
    fn new(
        builder: &Builder,
        block: &encoder::ResidualBlock,
        [height, width]: [i64; 2],
        doubling: bool,
    ) -> Result<Self> {
        let layers = &block.double;
        let size = [height, width];
        let double = if doubling {
            Double {
                first: builder.doubling_layer(
                    &layers.first,
                    Some(&layers.first_norm),
                    size,
                    Rectifier::LeakyRelu,
                )?,
                second: builder.layer(
                    &layers.second,
                    Some(&layers.second_norm),
                    [2 * height, 2 * width],
                    Rectifier::LeakyRelu,
                )?,
            }
        } else {
            Double::new(builder, layers, size, Rectifier::LeakyRelu)?
        };
        let shortcut = builder.layer(&block.shortcut, None, size, Rectifier::None)?;
        Ok(Block { double, shortcut, doubling })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let sum = self.shortcut.forward(x)?;
        let first = self.double.first.forward(x)?;
        if self.doubling {
            self.double.second.forward_onto_doubled(&sum, &first)
        } else {
            self.double.second.forward_onto(sum, &first)
        }
    }
}

/// See [`encoder::Encoder`].
#[derive(Debug)]
pub struct Encoder {
    inc: Double,
    down: Vec<(Layer, Block)>,
    last: Layer,
}

impl Encoder {
    /// For inputs of `size` (height, width).
    pub fn new(builder: &Builder, encoder: &encoder::Encoder, size: [i64; 2]) -> Result<Self> {
        let inc = Double::new(builder, &encoder.inc, size, Rectifier::LeakyRelu)?;
        let mut size = size;
        let mut down = Vec::with_capacity(encoder.down.len());
        for step in &encoder.down {
            let layer = builder.layer(&step.down, None, size, Rectifier::None)?;
            size = size.map(|side| side / 2);
            down.push((layer, Block::new(builder, &step.block, size, false)?));
        }
        let last = builder.layer(&encoder.last, Some(&encoder.last_norm), size, Rectifier::Relu)?;
        Ok(Encoder { inc, down, last })
    }

    /// N×inputs×H×W to N×8w×H/16×W/16.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.inc.forward(x)?;
        for (layer, block) in &self.down {
            x = block.forward(&layer.forward(&x)?)?;
        }
        self.last.forward(&x)
    }
}

/// See [`decoder::Decoder`]; without learned enlargement.
#[derive(Debug)]
pub struct Decoder {
    up: Vec<Block>,
    last: Layer,
}

impl Decoder {
    /// For codes of `size` (height, width).
    pub fn new(builder: &Builder, decoder: &decoder::Decoder, size: [i64; 2]) -> Result<Self> {
        let mut size = size;
        let mut up = Vec::with_capacity(decoder.up.len());
        for step in &decoder.up {
            up.push(Block::new(builder, &step.block, size, true)?);
            size = size.map(|side| 2 * side);
        }
        Ok(Decoder { up, last: builder.layer(&decoder.last, None, size, Rectifier::None)? })
    }

    /// N×8w×h×w to N×outputs×16h×16w.
    pub fn forward(&self, mut x: Tensor) -> Result<Tensor> {
        for block in &self.up {
            x = block.forward(&x)?;
        }
        self.last.forward(&x)
    }
}
