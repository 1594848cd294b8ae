//! Every switch of the configuration changes what it says and nothing it should not.

use coopseg::augment::{ChannelSlice, Slice};
use coopseg::image_space::HardImagesMethod;
use coopseg::latent::{AnnealingDraw, MaskDraw, Scheme, SchemeDraw, Source, Threshold, draw_masks, mask};
use coopseg::loss::ReconstructionLoss;
use coopseg::network::{BatchNormMode, CodeSharing, CooperativeNetwork, Precision};
use coopseg::random::{Purpose, stream};
use coopseg::train::{Adam, Batch, Configuration, HardAffine, LossValues, Mode, Preset, TrainingStep};
use ndarray::Array2;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

fn config() -> Configuration {
    let mut config = Configuration::preset(Preset::Official);
    config.network.width = 2;
    config.input_noise = 0.0;
    config
}

fn batch() -> Batch {
    let slices: Vec<ChannelSlice> = (0..3)
        .map(|n| {
            let label = Array2::from_shape_fn((32, 32), |(y, x)| {
                let distance = (y as f64 - 15.0).hypot(x as f64 - 14.0 - n as f64);
                if distance < 4.0 {
                    1
                } else if distance < 7.0 {
                    2
                } else {
                    u8::from(x > 24) * 3
                }
            });
            let image = Array2::from_shape_fn((32, 32), |(y, x)| {
                f32::from(label[[y, x]]) * 0.25 + ((x * 7 + y * 13 + n) % 10) as f32 * 0.02
            });
            Slice { image, label }.into()
        })
        .collect();
    Batch::new(&slices, Device::Cpu).unwrap()
}

struct Outcome {
    losses: LossValues,
    gradients: BTreeMap<String, f64>,
    running: BTreeMap<String, f64>,
}

impl Outcome {
    fn gradient(&self, part: &str) -> f64 {
        self.gradients.iter().filter(|(name, _)| name.starts_with(part)).map(|(_, norm)| norm).sum()
    }

    fn running(&self, part: &str) -> f64 {
        self.running.iter().filter(|(name, _)| name.starts_with(part)).map(|(_, sum)| sum).sum()
    }
}

/// One step's losses and gradients with a network whose weights depend on a fixed seed alone.
fn outcome(config: &Configuration) -> Outcome {
    outcome_of(config, 11, 0)
}

fn outcome_of(config: &Configuration, seed: u64, step: u64) -> Outcome {
    coopseg::runtime::set_threads(1).unwrap();
    let network = CooperativeNetwork::new(config.architecture(), 3, Device::Cpu).unwrap();
    let losses = TrainingStep::new(config, seed).gradients(&network, &batch(), step).unwrap();
    let gradients = network
        .weights()
        .map(|weight| {
            let gradient = CooperativeNetwork::gradient(&weight.tensor);
            (weight.name.clone(), gradient.map_or(0.0, |g| g.norm().double_value(&[])))
        })
        .collect();
    let running = network
        .parameters()
        .iter()
        .filter(|parameter| parameter.name.contains("running"))
        .map(|parameter| (parameter.name.clone(), parameter.tensor.sum(Kind::Double).double_value(&[])))
        .collect();
    Outcome { losses, gradients, running }
}

const FAST: [&str; 3] = ["image_encoder", "segmentation_decoder", "image_decoder"];

#[test]
fn standard_mode_has_no_hard_losses() {
    let mut config = config();
    let cooperative = outcome(&config).losses;
    assert!(cooperative.hard_segmentation.is_some() && cooperative.hard_reconstruction.is_some());
    assert!(
        cooperative.hard_shape_from_prediction.is_some() && cooperative.hard_shape_from_corrupted.is_some()
    );
    config.mode = Mode::Standard;
    let standard = outcome(&config).losses;
    assert_eq!(standard.parts().count(), 4);
    assert_eq!(standard.segmentation, cooperative.segmentation);
}

#[test]
fn each_loss_weight_reaches_its_networks_only() {
    let only = |seg, rec, shp| {
        let mut config = config();
        config.losses.segmentation_weight = seg;
        config.losses.reconstruction_weight = rec;
        config.losses.shape_weight = shp;
        outcome(&config)
    };
    let segmentation = only(1.0, 0.0, 0.0);
    assert!(segmentation.gradient("segmentation_decoder") > 0.0);
    assert_eq!(segmentation.gradient("image_decoder"), 0.0);
    assert_eq!(segmentation.gradient("shape_"), 0.0);
    let reconstruction = only(0.0, 1.0, 0.0);
    assert!(reconstruction.gradient("image_decoder") > 0.0);
    assert_eq!(reconstruction.gradient("segmentation_decoder"), 0.0);
    assert_eq!(reconstruction.gradient("shape_"), 0.0);
    let shape = only(0.0, 0.0, 1.0);
    assert!(shape.gradient("shape_encoder") > 0.0 && shape.gradient("segmentation_decoder") > 0.0);
    assert_eq!(shape.gradient("image_decoder"), 0.0);
    let doubled = only(0.0, 2.0, 0.0);
    let ratio = doubled.gradient("image_decoder") / reconstruction.gradient("image_decoder");
    assert!((ratio - 2.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn half_mse_is_half_of_mse() {
    let mut config = config();
    let half = outcome(&config).losses.reconstruction;
    config.losses.reconstruction = ReconstructionLoss::Mse;
    let whole = outcome(&config).losses.reconstruction;
    assert!((whole / half - 2.0).abs() < 1e-6, "{whole} {half}");
}

#[test]
fn separate_training_keeps_the_shape_loss_from_the_fast_network() {
    let mut config = config();
    config.losses.segmentation_weight = 0.0;
    config.losses.reconstruction_weight = 0.0;
    assert!(FAST[..2].iter().all(|part| outcome(&config).gradient(part) > 0.0));
    config.separate_training = true;
    let separate = outcome(&config);
    assert!(FAST.iter().all(|part| separate.gradient(part) == 0.0));
    assert!(separate.gradient("shape_decoder") > 0.0);
}

#[test]
fn input_noise_changes_what_the_fast_network_sees() {
    let mut config = config();
    let clean = outcome(&config).losses;
    config.input_noise = 0.05;
    let noisy = outcome(&config).losses;
    assert_ne!(clean.segmentation, noisy.segmentation);
    // The labels' own pass sees no image.
    assert_eq!(clean.shape_from_label, noisy.shape_from_label);
    assert_ne!(noisy.segmentation, outcome_of(&config, 11, 1).losses.segmentation, "drawn anew each step");
}

#[test]
fn hard_losses_train_scale_and_shift_only_where_they_may() {
    let mut config = config();
    config.mode = Mode::Standard;
    let standard = outcome(&config);
    config.mode = Mode::Cooperative;
    let frozen = outcome(&config);
    config.batch_norm.hard_affine = HardAffine::Trained;
    let trained = outcome(&config);
    let encoder = "image_encoder.general_encoder.inc.1.weight";
    let decoder = "image_decoder.up4.conv.1.weight";
    assert_eq!(standard.gradients[encoder], frozen.gradients[encoder]);
    assert_ne!(standard.gradients[encoder], trained.gradients[encoder]);
    assert_ne!(standard.gradients[decoder], frozen.gradients[decoder]);
}

#[test]
fn hard_passes_move_running_statistics_only_where_that_is_asked_for() {
    let mut config = config();
    config.hard_examples.masks = vec![Scheme::Channel];
    config.mode = Mode::Standard;
    let standard = outcome(&config);
    config.mode = Mode::Cooperative;
    let clean = outcome(&config);
    assert_eq!(standard.running, clean.running);
    config.batch_norm.official_bn_side_effects = true;
    let official = outcome(&config);
    for part in ["image_decoder", "segmentation_decoder"] {
        assert_ne!(clean.running(part), official.running(part), "{part}");
    }
    for part in ["image_encoder", "shape_encoder", "shape_decoder"] {
        assert_eq!(clean.running(part), official.running(part), "{part}");
    }
    config.batch_norm.official_bn_side_effects = false;
    config.batch_norm.hard_updates_running = true;
    let moved = outcome(&config);
    for part in ["image_encoder", "image_decoder", "segmentation_decoder", "shape_encoder", "shape_decoder"] {
        assert_ne!(clean.running(part), moved.running(part), "{part}");
    }
    assert_eq!(clean.losses, moved.losses);
}

#[test]
fn what_came_later_has_its_default_in_what_was_written_before() {
    let now = config();
    let mut before = now.to_json().unwrap();
    for key in ["precision", "hard_images"] {
        assert!(before.as_object_mut().unwrap().remove(key).is_some());
    }
    assert!(before["batch_norm"].as_object_mut().unwrap().remove("hard_updates_running").is_some());
    assert_eq!(serde_json::from_value::<Configuration>(before).unwrap(), now);
}

#[test]
fn sources_choose_the_hard_losses() {
    let mut config = config();
    config.hard_examples.sources = vec![Source::Image];
    let image_only = outcome(&config).losses;
    assert!(image_only.hard_segmentation.is_some() && image_only.hard_shape_from_corrupted.is_none());
    config.hard_examples.sources = vec![Source::Shape];
    let shape_only = outcome(&config).losses;
    assert!(shape_only.hard_segmentation.is_none() && shape_only.hard_shape_from_corrupted.is_some());
}

#[test]
fn other_hard_images_take_the_place_of_latent_masking() {
    let mut config = config();
    config.hard_examples.masks = vec![Scheme::Channel];
    let latent = outcome(&config);
    let mut seen = vec![latent.losses.hard_segmentation];
    for method in
        HardImagesMethod::ALL.into_iter().filter(|&method| method != HardImagesMethod::LatentMasking)
    {
        config.hard_examples.sources = vec![Source::Image, Source::Shape];
        config.hard_images.method = method;
        let found = outcome(&config);
        assert!(!seen.contains(&found.losses.hard_segmentation), "{method:?}");
        seen.push(found.losses.hard_segmentation);
        assert_eq!(latent.losses.segmentation, found.losses.segmentation);
        assert_eq!(latent.losses.hard_shape_from_corrupted, found.losses.hard_shape_from_corrupted);
        // The adversaries' own passes move no running statistics.
        assert_eq!(latent.running, found.running);
        assert!(found.losses.parts().all(|(_, loss)| loss.is_finite()));

        config.hard_examples.sources = vec![Source::Shape];
        assert!(outcome(&config).losses.hard_segmentation.is_none());
    }
}

#[test]
fn schemes_are_drawn_from_the_list_and_shared_or_not() {
    let mut config = config().hard_examples;
    let mut rng = stream(0, Purpose::LatentMask, [0; 3]);
    let mut seen = BTreeMap::new();
    let mut different = 0;
    for _ in 0..600 {
        let [a, b] = draw_masks(&config, &mut rng);
        *seen.entry(format!("{:?}", a.scheme)).or_insert(0) += 1;
        different += usize::from(a.scheme != b.scheme);
    }
    assert_eq!(seen.len(), 3);
    assert!(seen.values().all(|&count| (150..250).contains(&count)), "{seen:?}");
    assert!((350..450).contains(&different), "{different}");
    config.scheme_draw = SchemeDraw::Shared;
    config.masks = vec![Scheme::Dropout, Scheme::Spatial];
    for _ in 0..100 {
        let [a, b] = draw_masks(&config, &mut rng);
        assert!(a.scheme == b.scheme && a.scheme != Scheme::Channel);
    }
    config.masks = vec![Scheme::Dropout];
    config.dropout_probability = [0.1, 0.2];
    assert!(draw_masks(&config, &mut rng).iter().all(|d| (0.1..0.2).contains(&d.probability)));
    config.masks = vec![Scheme::Channel];
    config.targeted_fraction = [0.3, 0.4];
    assert!(draw_masks(&config, &mut rng).iter().all(|d| (0.3..0.4).contains(&d.probability)));
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1)).unwrap()
}

#[test]
fn masks_are_soft_or_hard_per_entry_or_step_and_hit_as_many_as_they_should() {
    let mut config = config().hard_examples;
    let code = Tensor::ones([2, 20, 4, 5], (Kind::Float, Device::Cpu));
    let gradient = Tensor::arange(2 * 20 * 4 * 5, (Kind::Float, Device::Cpu)).view([2, 20, 4, 5]).sin();
    let draw = |scheme| MaskDraw { scheme, probability: 0.25, rng: stream(1, Purpose::LatentMask, [0; 3]) };
    for scheme in [Scheme::Channel, Scheme::Spatial] {
        config.soft = false;
        config.threshold = Threshold::Greater;
        let hard = values(&mask(&draw(scheme), &config, Some(&gradient), &code).unwrap());
        assert_eq!(hard.iter().filter(|&&v| v == 0.0).count(), 2 * 5);
        assert!(hard.iter().all(|&v| v == 0.0 || v == 1.0));
        config.threshold = Threshold::GreaterOrEqual;
        let inclusive = values(&mask(&draw(scheme), &config, Some(&gradient), &code).unwrap());
        assert_eq!(inclusive.iter().filter(|&&v| v == 0.0).count(), 2 * 6);

        config.soft = true;
        config.annealing_draw = AnnealingDraw::Entry;
        let mut soft = values(&mask(&draw(scheme), &config, Some(&gradient), &code).unwrap());
        soft.retain(|&v| v != 1.0);
        assert!(soft.iter().all(|&v| (0.0..0.5).contains(&v)) && soft.len() == 12);
        let distinct = |values: &mut Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values.dedup();
            values.len()
        };
        assert_eq!(distinct(&mut soft), 12);
        config.annealing_draw = AnnealingDraw::Step;
        let mut same = values(&mask(&draw(scheme), &config, Some(&gradient), &code).unwrap());
        same.retain(|&v| v != 1.0);
        assert_eq!(distinct(&mut same), 1);
        config.annealing = [0.9, 0.95];
        let strong = values(&mask(&draw(scheme), &config, Some(&gradient), &code).unwrap());
        assert!(strong.iter().all(|&v| v >= 0.9));
        config.annealing = [0.0, 0.5];
    }
    config.dropout_rescale = false;
    let plain = values(&mask(&draw(Scheme::Dropout), &config, None, &code).unwrap());
    assert!(plain.iter().all(|&v| v == 0.0 || v == 1.0) && plain.contains(&0.0));
    config.dropout_rescale = true;
    let scaled = values(&mask(&draw(Scheme::Dropout), &config, None, &code).unwrap());
    assert!(scaled.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
}

#[test]
fn a_targeted_mask_hits_the_highest_mean_gradient_of_each_sample() {
    let mut config = config().hard_examples;
    config.soft = false;
    let code = Tensor::ones([2, 4, 2, 2], (Kind::Float, Device::Cpu));
    let gradient = Tensor::zeros([2, 4, 2, 2], (Kind::Float, Device::Cpu));
    // Channel 2 of the first sample is strongly negative: signed scores leave it alone.
    let _ = gradient.get(0).get(2).fill_(-9.0);
    let _ = gradient.get(0).get(1).fill_(1.0);
    let _ = gradient.get(1).get(3).fill_(1.0);
    let draw = |scheme| MaskDraw { scheme, probability: 0.25, rng: stream(1, Purpose::LatentMask, [0; 3]) };
    let channel = values(&mask(&draw(Scheme::Channel), &config, Some(&gradient), &code).unwrap());
    assert_eq!(channel, [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    let gradient = Tensor::zeros([2, 4, 2, 2], (Kind::Float, Device::Cpu));
    let _ = gradient.get(0).get(0).get(1).get(0).fill_(1.0);
    let _ = gradient.get(1).get(3).get(0).get(1).fill_(1.0);
    let spatial = values(&mask(&draw(Scheme::Spatial), &config, Some(&gradient), &code).unwrap());
    assert_eq!(spatial, [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn code_sharing_feeds_one_code_to_both_decoders() {
    let images = batch().images;
    let codes = |sharing| {
        let mut config = config();
        config.network.code_sharing = sharing;
        let network = CooperativeNetwork::new(config.architecture(), 3, Device::Cpu).unwrap();
        network.fast.encode(&images, BatchNormMode::PROBE).unwrap()
    };
    let none = codes(CodeSharing::None);
    assert_ne!(none.image, none.shape);
    let image = codes(CodeSharing::Image);
    assert!(image.image == none.image && image.shape == none.image);
    let shape = codes(CodeSharing::Shape);
    assert!(shape.image == none.shape && shape.shape == none.shape);
}

#[test]
fn the_presets_differ_as_the_method_says() {
    let official = Configuration::preset(Preset::Official);
    let paper = Configuration::from_json(r#"{"preset": "paper"}"#).unwrap();
    assert_eq!(official, Configuration::from_json("").unwrap());
    assert_eq!(
        (official.losses.reconstruction, paper.losses.reconstruction),
        (ReconstructionLoss::HalfMse, ReconstructionLoss::Mse)
    );
    assert_eq!((official.input_noise, paper.input_noise), (0.05, 0.0));
    let (a, b) = (&official.hard_examples, &paper.hard_examples);
    assert_eq!((a.scheme_draw, b.scheme_draw), (SchemeDraw::Independent, SchemeDraw::Shared));
    assert_eq!((a.dropout_probability, b.dropout_probability), ([0.5, 0.5], [0.0, 0.5]));
    assert_eq!((a.dropout_rescale, b.dropout_rescale), (true, false));
    assert_eq!((a.annealing_draw, b.annealing_draw), (AnnealingDraw::Entry, AnnealingDraw::Step));
    assert_eq!((a.threshold, b.threshold), (Threshold::Greater, Threshold::GreaterOrEqual));
    assert_eq!(official.batch_norm.hard_affine, HardAffine::FrozenExceptImageDecoder);
    assert_eq!(paper.batch_norm.hard_affine, HardAffine::Trained);
    assert_eq!((official.validation.subjects, paper.validation.subjects), (Some(5), Some(10)));
    // A key given by the caller wins over the preset.
    let mixed = Configuration::from_json(r#"{"preset": "paper", "input_noise": 0.1}"#).unwrap();
    assert_eq!(mixed.input_noise, 0.1);
}

#[test]
fn both_presets_train_in_both_modes() {
    for preset in [Preset::Official, Preset::Paper] {
        for mode in [Mode::Standard, Mode::Cooperative] {
            let mut config = Configuration::preset(preset);
            config.network.width = 2;
            config.mode = mode;
            config.optimizer.learning_rate = 1e-2;
            let network = CooperativeNetwork::new(config.architecture(), 3, Device::Cpu).unwrap();
            let mut adam = Adam::new(&network, config.optimizer).unwrap();
            let mut step = TrainingStep::new(&config, 5);
            let batch = batch();
            let losses: Vec<f64> =
                (0..12).map(|n| step.run(&network, &mut adam, &batch, n).unwrap().segmentation).collect();
            assert!(losses[11] < 0.8 * losses[0], "{preset:?} {mode:?}: {losses:?}");
        }
    }
}

#[test]
fn bfloat16_trains_as_float32_does_where_the_processor_has_it() {
    let losses = |precision| {
        let mut config = config();
        config.optimizer.learning_rate = 1e-2;
        let network = CooperativeNetwork::new(config.architecture(), 3, Device::Cpu).unwrap();
        network.compute_in(precision)?;
        let mut adam = Adam::new(&network, config.optimizer).unwrap();
        let mut step = TrainingStep::new(&config, 5);
        let batch = batch();
        let losses: Vec<f64> =
            (0..12).map(|n| step.run(&network, &mut adam, &batch, n).unwrap().segmentation).collect();
        let gradients = network.weights().filter_map(|weight| CooperativeNetwork::gradient(&weight.tensor));
        let kinds: Vec<Kind> = gradients.map(|gradient| gradient.kind()).collect();
        assert!(kinds.len() > 50 && kinds.iter().all(|&kind| kind == Kind::Float), "gradients stay float32");
        Ok::<_, coopseg::error::Error>(losses)
    };
    let exact = losses(Precision::Float32).unwrap();
    match losses(Precision::Bfloat16) {
        Ok(coarse) => {
            assert!(
                exact != coarse && (coarse[0] - exact[0]).abs() < 0.02 * exact[0],
                "{coarse:?} {exact:?}"
            );
            assert!(coarse[11] < 0.8 * coarse[0], "{coarse:?}");
        }
        Err(error) => assert!(error.to_string().contains("bfloat16"), "{error}"),
    }
}

#[test]
fn the_learning_rate_scales_the_first_step() {
    let change = |rate| {
        let mut config = config();
        config.optimizer.learning_rate = rate;
        let network = CooperativeNetwork::new(config.architecture(), 3, Device::Cpu).unwrap();
        let before = network.copy_to(Device::Cpu).unwrap();
        let mut adam = Adam::new(&network, config.optimizer).unwrap();
        TrainingStep::new(&config, 5).run(&network, &mut adam, &batch(), 0).unwrap();
        let pairs = network.weights().zip(before.weights());
        pairs.map(|(a, b)| (&a.tensor - &b.tensor).abs().max().double_value(&[])).fold(0.0, f64::max)
    };
    let (slow, fast) = (change(1e-4), change(1e-3));
    assert!((fast / slow - 10.0).abs() < 0.1, "{slow} {fast}");
}

#[test]
fn every_bound_of_the_schema_is_enforced() {
    let defaults = Configuration::preset(Preset::Official).to_json().unwrap();
    let schema = Configuration::json_schema();
    let mut bounds = 0;
    check_bounds(&schema, &defaults, &mut Vec::new(), &mut bounds);
    assert!(bounds > 40, "only {bounds} bounds found");
}

/// For every number of the defaults with a bound: one step beyond the bound is refused by the key's name.
fn check_bounds(
    schema: &serde_json::Value,
    value: &serde_json::Value,
    path: &mut Vec<String>,
    bounds: &mut usize,
) {
    use serde_json::{Value, json};
    if let (Value::Object(fields), Some(properties)) = (value, schema.get("properties")) {
        for (key, field) in fields {
            path.push(key.clone());
            check_bounds(&properties[key], field, path, bounds);
            path.pop();
        }
        return;
    }
    let refuse = |bad: Value| {
        let nested = path.iter().rev().fold(bad, |inner, key| json!({ key: inner }));
        let message = Configuration::from_json(&nested.to_string()).unwrap_err().to_string();
        assert!(message.contains(path.last().unwrap().as_str()), "{nested}: {message}");
    };
    let (inner, wrap): (&Value, Box<dyn Fn(Value) -> Value>) = match value {
        Value::Array(items) => {
            let rest = items.clone();
            (
                &schema["items"],
                Box::new(move |bad| {
                    let mut list = rest.clone();
                    list[0] = bad;
                    Value::Array(list)
                }),
            )
        }
        _ => (schema, Box::new(|bad| bad)),
    };
    for (key, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
        if let Some(bound) = inner.get(key).and_then(Value::as_f64) {
            let whole = inner["type"] == "integer";
            refuse(wrap(if whole { json!((bound + beyond) as i64) } else { json!(bound + beyond) }));
            *bounds += 1;
        }
    }
}
