//! The networks made ready for inference: batch normalisation folded into the convolutions before it, weights in the
//! memory layout that the device likes best, activations computed where the convolutions write.
//!
//! The same function as the networks in training with [`INFERENCE`](super::BatchNormMode::INFERENCE), up to rounding.

mod blocks;
mod layer;

use super::architecture::CodeSharing;
use super::cooperative::CooperativeNetwork;
use super::memory_layout::channels_last;
use super::precision::Precision;
use super::rectifier::Rectifier;
use super::slow::map_of_logits;
use crate::error::Result;
use blocks::{Decoder, Double, Encoder};
use layer::Builder;
use tch::{Device, Kind, Tensor};

/// What an [`InferenceNetwork`] is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it runs.
    pub device: Device,
    /// The type of weights and activations.
    pub precision: Precision,
    /// Slices, height and width of the batches that weights are laid out for. Other sizes work too.
    pub batch: [i64; 3],
}

impl Target {
    /// Whether tensors have the column fastest in memory rather than the channel.
    fn column_fastest(&self) -> bool {
        self.device.is_cuda() && self.precision == Precision::Float32
    }
}

/// FTN (without its image decoder) and STN for inference. Read-only: any number of threads may use it at once.
#[derive(Debug)]
pub struct InferenceNetwork {
    target: Target,
    image_encoder: Encoder,
    decoupler: Option<Double>,
    segmentation_decoder: Decoder,
    shape_encoder: Encoder,
    shape_decoder: Decoder,
}

// SAFETY: after construction the tensors are only lent out by shared reference and only read by inference, and
// libtorch's reference counts are atomic.
unsafe impl Sync for InferenceNetwork {}

impl InferenceNetwork {
    /// Prepares copies of the networks' weights.
    ///
    /// # Errors
    /// `DeviceUnavailable` for bfloat16 on a processor without it.
    pub fn new(network: &CooperativeNetwork, target: Target) -> Result<Self> {
        target.precision.check(target.device)?;
        let _guard = tch::no_grad_guard();
        let [_, height, width] = target.batch;
        let builder = Builder::new(target);
        let (fast, slow) = (&network.fast, &network.slow);
        let (whole, code) = ([height, width], [height / super::STRIDE, width / super::STRIDE]);
        let decoupler = match network.architecture().code_sharing {
            CodeSharing::Image => None,
            CodeSharing::None | CodeSharing::Shape => {
                Some(Double::new(&builder, &fast.decoupler, code, Rectifier::Relu)?)
            }
        };
        Ok(InferenceNetwork {
            target,
            image_encoder: Encoder::new(&builder, &fast.encoder, whole)?,
            decoupler,
            segmentation_decoder: Decoder::new(&builder, &fast.segmentation_decoder, code)?,
            shape_encoder: Encoder::new(&builder, &slow.encoder, whole)?,
            shape_decoder: Decoder::new(&builder, &slow.decoder, code)?,
        })
    }

    /// What it was prepared for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// FTN: images N×channels×H×W with values in [0, 1] to logits N×C×H×W of the target's precision.
    pub fn segment(&self, images: &Tensor) -> Result<Tensor> {
        let images = self.laid_out(&images.f_to_kind(self.target.precision.kind())?)?;
        let mut code = self.image_encoder.forward(&images)?;
        if let Some(decoupler) = &self.decoupler {
            code = decoupler.forward(&code)?;
        }
        self.segmentation_decoder.forward(code)
    }

    /// One pass of STN: logits N×C×H×W to corrected logits.
    pub fn correct(&self, logits: &Tensor) -> Result<Tensor> {
        let map = map_of_logits(&self.laid_out(logits)?)?;
        self.shape_decoder.forward(self.shape_encoder.forward(&map)?)
    }

    /// In the memory layout that the layers work in.
    fn laid_out(&self, x: &Tensor) -> Result<Tensor> {
        if self.target.column_fastest() { Ok(x.f_contiguous()?) } else { channels_last(x) }
    }
}

/// softmax over the classes, in float32.
pub fn probabilities(logits: &Tensor) -> Result<Tensor> {
    Ok(logits.f_softmax(1, Kind::Float)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Architecture, BatchNormMode};
    use tch::IndexOp;

    fn network(code_sharing: CodeSharing, width: i64) -> CooperativeNetwork {
        let architecture = Architecture { width, channels: 2, classes: 3, code_sharing };
        let network = CooperativeNetwork::new(architecture, 5, Device::Cpu).unwrap();
        let _guard = tch::no_grad_guard();
        tch::manual_seed(1);
        for parameter in network.parameters() {
            if parameter.name.ends_with("running_mean") {
                let _ = parameter.tensor.shallow_clone().normal_(0.0, 0.3);
            } else if parameter.name.ends_with("running_var") {
                let _ = parameter.tensor.shallow_clone().uniform_(0.5, 2.0);
            }
        }
        network
    }

    fn target(precision: Precision) -> Target {
        Target { device: Device::Cpu, precision, batch: [3, 48, 32] }
    }

    fn images(samples: i64) -> Tensor {
        Tensor::rand([samples, 2, 48, 32], (Kind::Float, Device::Cpu))
    }

    fn difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn both_stages_are_those_of_the_networks_in_training() {
        let _guard = tch::no_grad_guard();
        let shared = [CodeSharing::None, CodeSharing::Image, CodeSharing::Shape].map(|sharing| (sharing, 4));
        for (code_sharing, width) in shared.into_iter().chain([(CodeSharing::None, 16)]) {
            let network = network(code_sharing, width);
            let ready = InferenceNetwork::new(&network, target(Precision::Float32)).unwrap();
            for samples in [1, 3, 4] {
                let images = images(samples);
                let mode = BatchNormMode::INFERENCE;
                let codes = network.fast.encode(&images, mode).unwrap();
                let fast = network.fast.segment(&codes.shape, mode).unwrap();
                let slow = network.slow.correct(&map_of_logits(&fast).unwrap(), mode).unwrap();
                let found = ready.segment(&images).unwrap();
                let scale = fast.abs().max().double_value(&[]);
                assert!(difference(&found, &fast) < 1e-5 * scale, "{code_sharing:?}, {width}, {samples}");
                let scale = slow.abs().max().double_value(&[]);
                for logits in [found.copy(), found.contiguous()] {
                    assert!(difference(&ready.correct(&logits).unwrap(), &slow) < 2e-5 * scale);
                }
            }
        }
    }

    #[test]
    fn plain_operators_give_the_same_as_fused_ones() {
        let _guard = tch::no_grad_guard();
        let network = network(CodeSharing::None, 4);
        let fused = InferenceNetwork::new(&network, target(Precision::Float32)).unwrap();
        let images = images(3);
        // As on a GPU: in either layout, and with channels of zeros.
        for (column_fastest, eights) in [(false, false), (true, false), (false, true)] {
            let mut builder = Builder::new(target(Precision::Float32));
            (builder.fused, builder.column_fastest, builder.eights) = (false, column_fastest, eights);
            let plain = Encoder::new(&builder, &network.fast.encoder, [48, 32]).unwrap();
            let decoder = Decoder::new(&builder, &network.fast.segmentation_decoder, [3, 2]).unwrap();
            let channel_fastest = channels_last(&images).unwrap();
            let code = plain.forward(if column_fastest { &images } else { &channel_fastest }).unwrap();
            let largest = |x: &Tensor| x.abs().max().double_value(&[]);
            let expected = fused.image_encoder.forward(&channel_fastest).unwrap();
            assert!(difference(&code, &expected) < 1e-5 * largest(&code));
            let logits = decoder.forward(code.copy()).unwrap();
            let found = fused.segmentation_decoder.forward(channels_last(&code).unwrap()).unwrap();
            assert!(difference(&logits, &found) < 1e-5 * largest(&logits));
        }
    }

    #[test]
    fn bfloat16_is_close_where_the_processor_has_it() {
        let _guard = tch::no_grad_guard();
        let network = network(CodeSharing::None, 4);
        let exact = InferenceNetwork::new(&network, target(Precision::Float32)).unwrap();
        let Ok(coarse) = InferenceNetwork::new(&network, target(Precision::Bfloat16)) else {
            assert!(!crate::runtime::operators::has_onednn(true));
            return;
        };
        let images = images(3);
        let (exact, coarse) = (exact.segment(&images).unwrap(), coarse.segment(&images).unwrap());
        assert_eq!(coarse.kind(), Kind::BFloat16);
        let off = (probabilities(&exact).unwrap() - probabilities(&coarse).unwrap()).abs();
        assert!(off.mean(Kind::Double).double_value(&[]) < 0.01);
        assert!(probabilities(&coarse).unwrap().i((0, .., 0, 0)).sum(Kind::Double).double_value(&[]) > 0.999);
    }
}
