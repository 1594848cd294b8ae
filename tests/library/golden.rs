//! The networks, losses, masks and gradients against those of the published code.

use crate::golden_set::{GoldenSet, assert_close, assert_near};
use coopseg::checkpoint::published;
use coopseg::latent::{HardExampleMaker, MaskDraw, Scheme, Source, mask};
use coopseg::loss::ReconstructionLoss;
use coopseg::network::{
    BatchNormMode, CodeSharing, Codes, CooperativeNetwork, Parameter, channels_last, map_of_labels,
    map_of_logits,
};
use coopseg::random::{Purpose, stream};
use coopseg::train::{Adam, Configuration, Objective, Preset, StandardPass, WantedGradients};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

const VALUES: f64 = 1e-5;
/// Of float64.
const EXACT: f64 = 1e-11;
/// Of half of the gradients in float32.
const GRADIENTS: f64 = 1e-4;
/// Of all gradients in float32: where a rectifier's input is next to zero, rounding decides on the side.
const ROUNDED: f64 = 1e-2;
/// Below this share of its layer's a gradient of the published code is nothing but rounding.
const NOISE: f64 = 1e-4;

struct Scene {
    golden: GoldenSet,
    network: CooperativeNetwork,
    config: Configuration,
}

impl Scene {
    fn new() -> Self {
        // The golden numbers are those of one thread; the sums of batch normalisation depend on their order.
        coopseg::runtime::set_threads(1).unwrap();
        let golden = GoldenSet::read();
        let network = published::read(&golden.folder.join("checkpoints"), CodeSharing::None).unwrap();
        let mut config = Configuration::preset(Preset::Official);
        config.hard_examples.soft = false;
        Scene { golden, network, config }
    }

    /// With networks in float64, where rounding cannot hide anything.
    fn exact() -> Self {
        let scene = Scene::new();
        for parameter in scene.network.parameters().iter().filter(|p| p.tensor.kind() == Kind::Float) {
            let exact = parameter.tensor.detach().to_kind(Kind::Double);
            parameter.tensor.shallow_clone().set_data(&exact);
        }
        scene
    }

    fn image(&self) -> &Tensor {
        self.golden.tensor("input.image")
    }

    fn label(&self) -> &Tensor {
        self.golden.tensor("input.label")
    }

    fn train_codes(&self) -> Codes {
        Codes {
            image: self.golden.tensor("train.z_i").shallow_clone(),
            shape: self.golden.tensor("train.z_s").shallow_clone(),
        }
    }

    fn gradient_norms(&self) -> BTreeMap<String, f64> {
        self.network
            .weights()
            .map(|weight| {
                let gradient = CooperativeNetwork::gradient(&weight.tensor);
                let norm = gradient.map(|gradient| gradient.to_kind(Kind::Double).norm().double_value(&[]));
                (weight.name.clone(), norm.unwrap_or(0.0))
            })
            .collect()
    }

    /// The backward passes over the standard and the hard losses, from tensors as `prepared`.
    fn standard(&self, prepared: impl Fn(&Tensor) -> Tensor) {
        let objective = Objective::new(&self.config);
        let image = prepared(self.image());
        let pass = objective.standard(&self.network, &image, &image, self.label()).unwrap();
        pass.backward(&objective, self.label(), WantedGradients::default()).unwrap();
    }

    fn hard(&self, prepared: impl Fn(&Tensor) -> Tensor) {
        let objective = Objective::new(&self.config);
        let [image, corrupted_image, corrupted_shape] =
            ["input.image", "corrupted.image.spatial", "corrupted.shape.channel"]
                .map(|name| prepared(self.golden.tensor(name)));
        let losses = objective
            .hard(&self.network, Some(&corrupted_image), Some(&corrupted_shape), &image, self.label())
            .unwrap();
        objective.hard_total(&losses, self.label()).unwrap().backward();
    }

    /// By how much an update with the golden set's learning rate moves each weight: norms.
    fn update(&self) -> BTreeMap<String, f64> {
        let before: Vec<Tensor> =
            self.network.weights().map(|weight| weight.tensor.detach().copy()).collect();
        let mut settings = self.config.optimizer;
        settings.learning_rate = self.golden.number(&["config", "learning_rate"]);
        Adam::new(&self.network, settings).unwrap().update(settings.learning_rate).unwrap();
        let moved = |(weight, before): (&Parameter, &Tensor)| {
            let change = (weight.tensor.detach() - before).to_kind(Kind::Double);
            (weight.name.clone(), change.norm().double_value(&[]))
        };
        self.network.weights().zip(&before).map(moved).collect()
    }
}

/// Compares norms of gradients, or of an update, with those in the golden set's table `name` without rounding, and those of
/// the published code, in float32, too. A bias in front of a normalisation has no effect: its gradient in the published code
/// is the rounding noise of its layer, and here there is none.
fn assert_norms(scene: &Scene, found: &BTreeMap<String, f64>, name: &str, tolerance: f64) {
    let (published, exact) = (scene.golden.table(name), scene.golden.exact_table(name));
    let gradients = scene.golden.table("cooperative_grad_norms");
    assert_eq!(found.keys().collect::<Vec<_>>(), published.keys().collect::<Vec<_>>());
    assert_eq!(exact.keys().collect::<Vec<_>>(), published.keys().collect::<Vec<_>>());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (name, &exact) in &exact {
        if is_noise(name, &gradients) {
            assert_eq!(found[name], 0.0, "{name}");
        } else {
            assert_near(name, found[name], exact, tolerance);
            assert_near(name, published[name], exact, ROUNDED);
            ours.push((found[name] - exact).abs() / exact);
            theirs.push((published[name] - exact).abs() / exact);
        }
    }
    assert!(ours.len() > published.len() / 2, "only {} norms compared", ours.len());
    let median = |mut differences: Vec<f64>| {
        differences.sort_by(f64::total_cmp);
        differences[differences.len() / 2]
    };
    assert!(median(ours) < GRADIENTS, "half of the norms are further off");
    assert!(median(theirs) < 2.0 * VALUES, "half of the published norms are further off");
}

fn layer_norm(bias: &str, norms: &BTreeMap<String, f64>) -> f64 {
    norms[&bias.replace(".bias", ".weight")]
}

fn is_noise(name: &str, norms: &BTreeMap<String, f64>) -> bool {
    name.ends_with(".bias") && norms[name] < NOISE * layer_norm(name, norms)
}

#[test]
fn inference_matches_the_published_code() {
    let Scene { golden, network, .. } = Scene::new();
    let _guard = tch::no_grad_guard();
    let mode = BatchNormMode::INFERENCE;
    let codes = network.fast.encode(golden.tensor("input.image"), mode).unwrap();
    assert_close("z_i", &codes.image, golden.tensor("eval.z_i"), VALUES);
    assert_close("z_s", &codes.shape, golden.tensor("eval.z_s"), VALUES);
    let logits = network.fast.segment(&codes.shape, mode).unwrap();
    assert_close("logits", &logits, golden.tensor("eval.logits"), VALUES);
    let image = network.fast.reconstruct(&codes.image, mode).unwrap();
    assert_close("reconstruction", &image, golden.tensor("eval.reconstruction"), VALUES);
    let refined = network.slow.correct(&map_of_logits(&logits).unwrap(), mode).unwrap();
    assert_close("refined logits", &refined, golden.tensor("eval.refined_logits"), VALUES);
    let one_hot =
        map_of_labels(golden.tensor("input.label"), network.architecture().classes, Kind::Float).unwrap();
    let remembered = network.slow.correct(&one_hot, mode).unwrap();
    assert_close("refined label logits", &remembered, golden.tensor("eval.refined_label_logits"), VALUES);
}

#[test]
fn standard_losses_codes_and_running_statistics_match() {
    let scene = Scene::new();
    let objective = Objective::new(&scene.config);
    let StandardPass { losses, codes, .. } =
        objective.standard(&scene.network, scene.image(), scene.image(), scene.label()).unwrap();
    assert_close("train z_i", &codes.image, scene.golden.tensor("train.z_i"), VALUES);
    assert_close("train z_s", &codes.shape, scene.golden.tensor("train.z_s"), VALUES);
    for (name, found) in [
        ("segmentation", &losses.segmentation),
        ("reconstruction_half_mse", &losses.reconstruction),
        ("shape_from_prediction", &losses.shape_from_prediction),
        ("shape_from_label", &losses.shape_from_label),
    ] {
        assert_near(name, found.double_value(&[]), scene.golden.number(&["standard", name]), VALUES);
    }
}

#[test]
fn running_statistics_after_one_forward_match() {
    let scene = Scene::new();
    let objective = Objective::new(&scene.config);
    objective.standard(&scene.network, scene.image(), scene.image(), scene.label()).unwrap();
    let expected = scene.golden.table("batchnorm_after_one_standard_forward");
    let found: BTreeMap<_, _> = scene
        .network
        .parameters()
        .iter()
        .filter(|parameter| parameter.name.contains(".running_"))
        .map(|parameter| (parameter.name.clone(), parameter.tensor.sum(Kind::Double).double_value(&[])))
        .collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, &expected) in &expected {
        let difference = (found[name] - expected).abs() / expected.abs().max(1.0);
        assert!(difference <= VALUES, "{name}: {} instead of {expected}", found[name]);
    }
}

#[test]
fn gradients_of_standard_training_match() {
    let scene = Scene::new();
    scene.standard(Tensor::shallow_clone);
    assert_norms(&scene, &scene.gradient_norms(), "standard_grad_norms", ROUNDED);
    let mut compared = 0;
    for (name, expected) in &scene.golden.tensors {
        let Some(name) = name.strip_prefix("standard_grad.") else { continue };
        let weight = scene.network.weights().find(|weight| weight.name == name).unwrap();
        assert_close(name, &weight.tensor.grad(), expected, ROUNDED);
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn masks_and_corrupted_examples_match() {
    let scene = Scene::new();
    let codes = scene.train_codes();
    let threshold = scene.golden.number(&["config", "threshold"]);
    let maker = HardExampleMaker {
        network: &scene.network,
        config: &scene.config.hard_examples,
        reconstruction: ReconstructionLoss::HalfMse,
        gradient_mode: BatchNormMode::PROBE,
    };
    for (scope, source, target) in
        [("image", Source::Image, scene.image()), ("shape", Source::Shape, scene.label())]
    {
        for (name, scheme) in [("channel", Scheme::Channel), ("spatial", Scheme::Spatial)] {
            let draw =
                MaskDraw { scheme, probability: threshold, rng: stream(0, Purpose::LatentMask, [0; 3]) };
            let made = maker.make(&codes, source, target, &draw, None).unwrap();
            let expected = scene.golden.tensor(&format!("mask.{scope}.{name}"));
            assert_eq!(&made.mask, expected, "mask.{scope}.{name}");
            assert!(made.mask.eq(0.0).any().int64_value(&[]) == 1);
            let expected = scene.golden.tensor(&format!("corrupted.{scope}.{name}"));
            assert_close(&format!("corrupted.{scope}.{name}"), &made.corrupted, expected, VALUES);
        }
    }
}

#[test]
fn the_clean_pass_gives_the_gradients_that_masks_follow() {
    let scene = Scene::new();
    let objective = Objective::new(&scene.config);
    let pass = objective.standard(&scene.network, scene.image(), scene.image(), scene.label()).unwrap();
    let wanted = WantedGradients { image: true, shape: true };
    let result = pass.backward(&objective, scene.label(), wanted).unwrap();
    assert_norms(&scene, &scene.gradient_norms(), "standard_grad_norms", ROUNDED);
    let maker = HardExampleMaker {
        network: &scene.network,
        config: &scene.config.hard_examples,
        reconstruction: ReconstructionLoss::HalfMse,
        gradient_mode: BatchNormMode::PROBE,
    };
    let probability = scene.golden.number(&["config", "threshold"]);
    for (scope, source, target, gradient) in [
        ("image", Source::Image, scene.image(), result.image_gradient),
        ("shape", Source::Shape, scene.label(), result.shape_gradient),
    ] {
        assert!(gradient.is_some(), "{scope}");
        for (name, scheme) in [("channel", Scheme::Channel), ("spatial", Scheme::Spatial)] {
            let draw = MaskDraw { scheme, probability, rng: stream(0, Purpose::LatentMask, [0; 3]) };
            let known = gradient.as_ref().map(Tensor::shallow_clone);
            let made = maker.make(&result.codes, source, target, &draw, known).unwrap();
            let expected = scene.golden.tensor(&format!("mask.{scope}.{name}"));
            assert_eq!(&made.mask, expected, "mask.{scope}.{name}");
        }
    }
}

#[test]
fn dropout_masks_whole_channels_and_scales_the_survivors() {
    let scene = Scene::new();
    let code = scene.train_codes().image;
    let draw =
        MaskDraw { scheme: Scheme::Dropout, probability: 0.5, rng: stream(0, Purpose::LatentMask, [0; 3]) };
    let drawn = mask(&draw, &scene.config.hard_examples, None, &code).unwrap();
    let (samples, channels, _, _) = code.size4().unwrap();
    assert_eq!(drawn.size(), [samples, channels, 1, 1]);
    let values: Vec<f32> = Vec::try_from(drawn.flatten(0, 3)).unwrap();
    assert!(values.iter().all(|&v| v == 0.0 || v == 2.0));
    let dropped = values.iter().filter(|&&v| v == 0.0).count();
    assert!(dropped > values.len() / 4 && dropped < values.len() * 3 / 4, "{dropped} of {}", values.len());
}

#[test]
fn hard_losses_match() {
    let scene = Scene::new();
    scene.standard(Tensor::shallow_clone);
    let objective = Objective::new(&scene.config);
    let losses = objective
        .hard(
            &scene.network,
            Some(scene.golden.tensor("corrupted.image.spatial")),
            Some(scene.golden.tensor("corrupted.shape.channel")),
            scene.image(),
            scene.label(),
        )
        .unwrap();
    for (name, found) in [
        ("segmentation", losses.segmentation),
        ("reconstruction_half_mse", losses.reconstruction),
        ("shape_from_prediction", losses.shape_from_prediction),
        ("shape_from_corrupted_segmentation", losses.shape_from_corrupted),
    ] {
        let found = found.unwrap().double_value(&[]);
        assert_near(name, found, scene.golden.number(&["hard", name]), VALUES);
    }
}

#[test]
fn gradients_of_cooperative_training_and_one_adam_step_match() {
    let scene = Scene::new();
    scene.standard(Tensor::shallow_clone);
    scene.hard(Tensor::shallow_clone);
    assert_norms(&scene, &scene.gradient_norms(), "cooperative_grad_norms", ROUNDED);
    // Adam divides each gradient by its own size, so that single entries that are rounding noise count in full.
    assert_norms(&scene, &scene.update(), "param_delta_norms_after_one_adam_step", 2.0 * ROUNDED);
}

#[test]
fn in_float64_all_gradients_and_the_adam_step_are_those_of_pytorch() {
    let scene = Scene::exact();
    let exact = |tensor: &Tensor| tensor.to_kind(Kind::Double);
    scene.standard(exact);
    assert_norms(&scene, &scene.gradient_norms(), "standard_grad_norms", EXACT);
    scene.hard(exact);
    assert_norms(&scene, &scene.gradient_norms(), "cooperative_grad_norms", EXACT);
    assert_norms(&scene, &scene.update(), "param_delta_norms_after_one_adam_step", EXACT);
}

/// What training does in the memory layout that it uses, with the channel fastest, is what it does in the published code's.
#[test]
fn the_memory_layout_of_training_changes_no_gradient() {
    let gradients = |layout: fn(&Tensor) -> Tensor| {
        let scene = Scene::exact();
        scene.standard(|tensor| layout(&tensor.to_kind(Kind::Double)));
        scene.hard(|tensor| layout(&tensor.to_kind(Kind::Double)));
        let of =
            |weight: &Parameter| Some((weight.name.clone(), CooperativeNetwork::gradient(&weight.tensor)?));
        scene.network.weights().filter_map(of).collect::<Vec<_>>()
    };
    let published = gradients(Tensor::shallow_clone);
    let fastest = gradients(|tensor| channels_last(tensor).unwrap());
    for ((name, expected), (_, found)) in published.iter().zip(&fastest) {
        let scale = expected.abs().max().double_value(&[]);
        let difference = (found - expected).abs().max().double_value(&[]);
        assert!(difference <= 1e-9 * scale.max(1e-3), "{name}: {difference:e} of {scale:e}");
    }
}
