//! The forward pass of L_std, and its way back.

use super::objective::{Objective, StandardLosses};
use crate::error::Result;
use crate::loss::cross_entropy;
use crate::network::Codes;
use crate::runtime::Results;
use tch::Tensor;

/// What [`Objective::standard`] computed, with the graph that leads back to the weights.
///
/// The graph is cut at the codes: the decoders read copies of them. So the gradients of the codes, which targeted masks
/// follow, come out of the backward pass.
#[derive(Debug)]
pub struct StandardPass {
    /// The parts of L_std.
    pub losses: StandardLosses,
    /// As the encoder made them.
    pub codes: Codes,
    /// What the decoders read.
    pub(super) decoded: Codes,
    /// p.
    pub(super) prediction: Tensor,
}

/// What is left of a [`StandardPass`] after its backward pass, without a graph.
#[derive(Debug)]
pub struct StandardResult {
    /// The parts of L_std.
    pub losses: StandardLosses,
    /// The codes.
    pub codes: Codes,
    /// ∂R(x', x)/∂z_i up to a positive factor, where it is wanted and the pass gives it (paper Eq. 3, 4).
    pub image_gradient: Option<Tensor>,
    /// ∂CE(p, y)/∂z_s, where it is wanted.
    pub shape_gradient: Option<Tensor>,
}

/// Which gradients targeted masks need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedGradients {
    /// That of the image code.
    pub image: bool,
    /// That of the shape code.
    pub shape: bool,
}

impl StandardPass {
    /// Adds the gradients of L_std to those of the weights and releases the graph.
    pub fn backward(
        self,
        objective: &Objective,
        labels: &Tensor,
        wanted: WantedGradients,
    ) -> Result<StandardResult> {
        let shape_gradient = if wanted.shape {
            // Not that of the whole L_std: it holds the slow-thinking network's opinion too.
            let loss = cross_entropy(&self.prediction, labels)?;
            Tensor::f_run_backward(&[loss], &[&self.decoded.shape], true, false)?.pop()
        } else {
            None
        };
        objective.standard_total(&self.losses)?.f_backward()?;
        // R alone reaches the image code's copy.
        let image_gradient =
            (wanted.image && objective.weighs_reconstruction()).then(|| self.decoded.image.grad());

        let mut rest: Option<Tensor> = None;
        for (code, copy) in
            [(&self.codes.image, &self.decoded.image), (&self.codes.shape, &self.decoded.shape)]
        {
            let gradient = copy.grad();
            // A frozen encoder's codes need no gradient.
            if code.requires_grad() && gradient.defined() {
                let product = code.f_mul(&gradient)?.f_sum(tch::Kind::Float)?;
                rest = Some(match rest {
                    Some(sum) => sum.f_add(&product)?,
                    None => product,
                });
            }
        }
        if let Some(rest) = rest {
            // Its gradient with respect to the codes is that of L_std.
            rest.f_backward()?;
        }
        Ok(StandardResult {
            codes: self.codes.detach()?,
            losses: self.losses.detach()?,
            image_gradient,
            shape_gradient,
        })
    }
}

impl Results for StandardResult {
    fn share(&self) -> Result<Self> {
        let share = |gradient: &Option<Tensor>| gradient.as_ref().map(Tensor::shallow_clone);
        Ok(StandardResult {
            losses: self.losses.detach()?,
            codes: self.codes.detach()?,
            image_gradient: share(&self.image_gradient),
            shape_gradient: share(&self.shape_gradient),
        })
    }
}
