//! Whole trainings: resumed, repeated, driven by hand, with every option of the optimiser.

use coopseg::checkpoint::{TensorMap, weights};
use coopseg::dataset::Dataset;
use coopseg::error::Error;
use coopseg::model::Model;
use coopseg::network::CooperativeNetwork;
use coopseg::phantom;
use coopseg::train::{Answer, Configuration, Event, EventKind, History, Trainer};
use coopseg::volume::{Geometry, Volume};
use ndarray::Array3;
use serde_json::{Value, json};
use std::path::Path;
use tch::Device;

fn data(subjects: usize) -> Dataset {
    let options = phantom::Options {
        subjects,
        slices: 3,
        size: Some([48, 40]),
        spacing: Some([7.0, 8.0, 8.0]),
        ..phantom::Options::default()
    };
    Dataset::synthetic(&options).unwrap()
}

/// Small networks, with `changes` laid over.
fn config(changes: &Value) -> Configuration {
    let mut base = json!({
        "device": "cpu", "seed": 5, "network": {"width": 2}, "slices_per_step": 4, "epochs": 4,
        "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]},
        "optimizer": {"learning_rate": 1e-3},
    });
    merge(&mut base, changes);
    Configuration::from_json(&base.to_string()).unwrap()
}

fn merge(base: &mut Value, changes: &Value) {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, changes) => *base = changes.clone(),
    }
}

fn trainer(changes: &Value) -> Trainer {
    coopseg::runtime::set_threads(1).unwrap();
    Trainer::new(config(changes), Some(&data(3)), Some(&data(2)), None).unwrap()
}

fn go_on(_: &Event) -> Answer {
    Answer::Continue
}

/// Stops after the given step.
fn stop_at(step: u64) -> impl FnMut(&Event) -> Answer {
    move |event| if event.step == step { Answer::Cancel } else { Answer::Continue }
}

fn finished(mut trainer: Trainer) -> Trainer {
    trainer.run(&mut go_on).unwrap();
    trainer
}

fn values(model: &Model) -> TensorMap {
    weights::tensor_map(model.network()).unwrap()
}

/// A history without what depends on the clock.
fn timeless(history: &History) -> Value {
    let mut history = history.clone();
    for record in &mut history.epochs {
        record.seconds_elapsed = 0.0;
        record.examples_per_second = 0.0;
        record.waiting_share = 0.0;
        record.memory_bytes = 0;
    }
    serde_json::to_value(history).unwrap()
}

fn assert_same(a: &Trainer, b: &Trainer) {
    assert_eq!(timeless(a.history()), timeless(b.history()));
    assert!(values(&a.best_model().unwrap()) == values(&b.best_model().unwrap()), "best models differ");
    assert!(values(&a.current_model().unwrap()) == values(&b.current_model().unwrap()), "weights differ");
}

fn resume(path: &Path, changes: &str) -> Trainer {
    Trainer::resume(path, changes, Some(&data(3)), Some(&data(2))).unwrap()
}

fn everything() -> Value {
    json!({
        "optimizer": {
            "algorithm": "adamw", "weight_decay": 0.01, "clip_norm": 1.0, "accumulate_steps": 2,
            "average_decay": 0.9,
        },
        "schedule": {"decay": "cosine", "warmup_steps": 3},
        "losses": {"class_weights": [0.5, 1.0, 2.0, 1.0], "dice_weight": 0.5},
        "frozen": ["image_decoder"],
    })
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, changes) in [("plain", json!({})), ("everything", everything())] {
        let whole = finished(trainer(&changes));
        // 9 slices in steps of 4: 3 steps an epoch, the third being short; 12 steps.
        for stop in [1, 3, 5, 9, 11] {
            let mut first = trainer(&changes);
            assert!(matches!(first.run(&mut stop_at(stop)), Err(Error::Cancelled)));
            let path = folder.path().join(format!("{name}-{stop}"));
            first.write_snapshot(&path).unwrap();
            assert_same(&whole, &finished(resume(&path, "")));
            // The one that was stopped may also go on itself.
            assert_same(&whole, &finished(first));
        }
    }
}

#[test]
fn snapshots_are_written_as_configured_and_the_newest_kept() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = folder.path().join("kept/here");
    let changes = json!({"snapshots": {"folder": snapshots, "every_steps": 2, "keep": 2}});
    let mut told = 0;
    let mut run = trainer(&changes);
    run.run(&mut |event| {
        told += usize::from(event.kind == EventKind::Snapshot);
        Answer::Continue
    })
    .unwrap();
    assert_eq!(told, 6);
    let names = || {
        let entries = std::fs::read_dir(&snapshots).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["snapshot-000000010.coopseg", "snapshot-000000012.coopseg"]);

    // A damaged one is passed over.
    let newest = snapshots.join("snapshot-000000012.coopseg");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let resumed = finished(resume(&snapshots, ""));
    assert_same(&run, &resumed);

    // A finished training goes on when it is given more epochs.
    let longer = finished(resume(&snapshots, r#"{"epochs": 5}"#));
    assert_eq!(longer.history().epochs.len(), 5);
    let fourth = |trainer: &Trainer| {
        let mut record = timeless(trainer.history())["epochs"][3].take();
        record["validation"]["cases"].take();
        record
    };
    assert_eq!(fourth(&longer), fourth(&run));

    // Cancelling writes one too.
    let changes = json!({"snapshots": {"folder": folder.path().join("cancelled"), "every_minutes": null}});
    assert!(matches!(trainer(&changes).run(&mut stop_at(1)), Err(Error::Cancelled)));
    assert!(folder.path().join("cancelled/snapshot-000000001.coopseg").is_file());
}

#[test]
fn snapshots_only_go_on_with_what_they_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let mut stopped = trainer(&json!({}));
    stopped.run(&mut stop_at(2)).unwrap_err();
    stopped.write_snapshot(&path).unwrap();
    let message = |changes: &str, training: usize| {
        Trainer::resume(&path, changes, Some(&data(training)), None).unwrap_err().to_string()
    };
    assert!(message("", 4).contains("training data is not that of the snapshot"), "{}", message("", 4));
    assert!(message(r#"{"seed": 6}"#, 3).contains("`seed` differs"));
    assert!(message(r#"{"network": {"width": 4}}"#, 3).contains("`network` differs"));
    assert!(message(r#"{"epoch": 4}"#, 3).contains("epoch"));
    // What is said again, in part, is no change.
    Trainer::resume(&path, r#"{"network": {"width": 2}, "seed": 5}"#, Some(&data(3)), None).unwrap();
    assert!(Model::load(&path).unwrap_err().to_string().contains("snapshot of a training"));
    let model = folder.path().join("model");
    stopped.best_model().unwrap().save(&model).unwrap();
    let error = Trainer::resume(&model, "", Some(&data(3)), None).unwrap_err().to_string();
    assert!(error.contains("a model, not a snapshot"), "{error}");
}

/// How the best networks so far were scored, by the history.
fn best_scores(trainer: &Trainer) -> Value {
    let record = trainer.history().best().unwrap();
    serde_json::to_value(record.validation.as_ref().unwrap()).unwrap()
}

#[test]
fn the_best_so_far_is_judged_by_the_metric_and_cases_of_those_to_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let mut stopped = trainer(&json!({}));
    stopped.run(&mut stop_at(8)).unwrap_err();
    stopped.write_snapshot(&path).unwrap();
    let before = best_scores(&stopped);

    let same = resume(&path, "");
    assert_eq!(best_scores(&same), before);
    let by_dice = resume(&path, r#"{"validation": {"metric": "fast_dice"}}"#);
    let scores = best_scores(&by_dice);
    let foreground: Vec<f64> =
        scores["fast_dice"].as_array().unwrap()[1..].iter().filter_map(Value::as_f64).collect();
    let mean = foreground.iter().sum::<f64>() / foreground.len() as f64;
    assert_eq!(scores["selection"].as_f64().unwrap(), mean);
    assert!(scores["selection"] != before["selection"] && scores["best"] == json!(true));

    // With other cases, of which the report shows those that are there.
    let report = folder.path().join("report.html");
    let one = data(2).select(&[1]).unwrap();
    let changes = json!({"recording": {"report": report}}).to_string();
    let other = Trainer::resume(&path, &changes, Some(&data(3)), Some(&one)).unwrap();
    let case = best_scores(&other)["cases"][0].clone();
    assert!(case["case"] == json!(one.cases()[0].name) && case["refined_mean_iou"].is_number());
    finished(other);
    assert!(std::fs::read_to_string(&report).unwrap().contains(&one.cases()[0].name));
    // The same where the change is in the midst of a history of both.
    let one_subject = resume(&path, r#"{"validation": {"subjects": 1}}"#);
    assert_eq!(best_scores(&one_subject)["cases"].as_array().unwrap().len(), 1);
}

#[test]
fn a_learning_rate_that_is_given_replaces_that_of_the_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let mut stopped = trainer(&json!({}));
    stopped.train_next().unwrap();
    stopped.set_learning_rate(1e-5).unwrap();
    stopped.write_snapshot(&path).unwrap();
    let rate = |changes: &str| resume(&path, changes).train_next().unwrap().learning_rate;
    assert_eq!(rate(""), 1e-5);
    assert_eq!(rate(r#"{"optimizer": {"clip_norm": 1.0}}"#), 1e-5);
    assert_eq!(rate(r#"{"optimizer": {"learning_rate": 1e-3}}"#), 1e-3);
}

#[test]
fn networks_that_cannot_be_scored_are_not_the_best() {
    let geometry = Geometry::aligned([1.0; 3]);
    let image =
        Volume { voxels: Array3::from_shape_fn((4, 40, 40), |(z, y, x)| (x + y * z) as f32), geometry };
    let nothing = Volume { voxels: Array3::<u8>::zeros((4, 40, 40)), geometry };
    let mut dataset = Dataset::new();
    dataset.push("empty", image, Some(nothing)).unwrap();
    let changes = json!({
        "epochs": 30, "optimizer": {"learning_rate": 0.02}, "validation": {"metric": "refined_dice"},
        "network": {"classes": ["background", "heart"]},
    });
    let trained = finished(Trainer::new(config(&changes), Some(&dataset), Some(&dataset), None).unwrap());
    let scores: Vec<_> =
        trained.history().epochs.iter().filter_map(|record| record.validation.as_ref()).collect();
    assert!(scores.iter().any(|scores| scores.selection.is_nan()), "the background was not learned");
    assert!(scores.iter().all(|scores| !scores.best || !scores.selection.is_nan()));
}

#[test]
fn fewer_slices_than_a_step_draws_make_one_step() {
    let mut trainer = trainer(&json!({"slices_per_step": 100}));
    assert_eq!(trainer.train_next().unwrap().steps_per_epoch, 1);
    assert_eq!(trainer.history().epochs.len(), 1);
}

#[test]
fn loader_threads_and_cache_change_nothing() {
    let one = finished(trainer(&json!({"data": {"loader_threads": 1}})));
    for data in [
        json!({"loader_threads": 3, "batches_ahead": 1}),
        json!({"loader_threads": 2, "cache_mebibytes": 0, "batches_ahead": 5}),
    ] {
        let other = finished(trainer(&json!({"data": data})));
        assert_same(&one, &other);
    }
    let uncached = trainer(&json!({"data": {"cache_mebibytes": 0}})).data_summary();
    assert!(!uncached.training.in_memory && one.data_summary().training.in_memory);
}

#[test]
fn unusable_cases_stop_or_are_left_out_by_name() {
    let geometry = Geometry::aligned([1.0; 3]);
    let volume = |value: f32| Volume {
        voxels: Array3::from_shape_fn((3, 40, 40), |(z, y, x)| value * (x + y * z) as f32),
        geometry,
    };
    let labels = |class: u8| Volume { voxels: Array3::from_elem((3, 40, 40), class), geometry };
    let mut dataset = Dataset::new();
    dataset.push("fine", volume(1.0), Some(labels(1))).unwrap();
    dataset.push("unlabelled", volume(1.0), None).unwrap();
    dataset.push("flat", volume(0.0), Some(labels(1))).unwrap();
    dataset.push("strange", volume(1.0), Some(labels(9))).unwrap();
    let small = json!({"slices_per_step": 2});
    let stopped = Trainer::new(config(&small), Some(&dataset), None, None).unwrap_err().to_string();
    assert!(stopped.contains("unlabelled"), "{stopped}");

    let skip = json!({"slices_per_step": 2, "data": {"on_problem": "skip"}});
    let trainer = Trainer::new(config(&skip), Some(&dataset), None, None).unwrap();
    let summary = trainer.data_summary().training;
    assert_eq!(summary.cases.len(), 1);
    let names: Vec<_> = summary.skipped.iter().map(|skipped| skipped.case.as_str()).collect();
    assert_eq!(names, ["unlabelled", "flat", "strange"]);
    for skipped in &summary.skipped {
        assert!(skipped.problem.contains(&skipped.case), "{}", skipped.problem);
    }
    let bad = dataset.select(&[1, 2]).unwrap();
    let error = Trainer::new(config(&skip), Some(&bad), None, None).unwrap_err().to_string();
    assert!(error.contains("none of the 2 cases"), "{error}");
}

#[test]
fn early_stopping_waits_for_the_patience() {
    // Nothing is learned, so the first validation stays the best.
    let changes = json!({
        "epochs": 50, "frozen": ["image_encoder", "segmentation_decoder", "shape_encoder", "shape_decoder"],
        "validation": {"patience": 3, "metric": "fast_dice"},
    });
    let trainer = finished(trainer(&changes));
    assert_eq!(trainer.history().epochs.len(), 4);
    assert_eq!(trainer.history().best_epoch, Some(1));
}

#[test]
fn the_named_metric_selects() {
    for (metric, value) in [
        ("refined_mean_iou", "mean_iou"),
        ("fast_mean_iou", "fast_mean_iou"),
        ("refined_dice", "refined_dice"),
        ("fast_dice", "fast_dice"),
    ] {
        let trainer = finished(trainer(&json!({"validation": {"metric": metric}})));
        let history = serde_json::to_value(trainer.history()).unwrap();
        let mut best = (f64::NEG_INFINITY, 0);
        for record in history["epochs"].as_array().unwrap() {
            let scores = &record["validation"];
            let found = match &scores[value] {
                Value::Array(dice) => {
                    let foreground: Vec<f64> = dice[1..].iter().filter_map(Value::as_f64).collect();
                    foreground.iter().sum::<f64>() / foreground.len() as f64
                }
                number => number.as_f64().unwrap(),
            };
            assert_eq!(scores["selection"].as_f64().unwrap(), found, "{metric}");
            if found > best.0 {
                best = (found, record["epoch"].as_u64().unwrap());
            }
        }
        assert_eq!(trainer.history().best_epoch, Some(best.1), "{metric}");
    }
}

#[test]
fn frozen_parts_stay_bit_by_bit() {
    let changes = json!({"frozen": ["image_encoder", "shape_decoder"], "optimizer": {"average_decay": 0.5}});
    let before = values(&trainer(&changes).current_model().unwrap());
    let after = values(&finished(trainer(&changes)).current_model().unwrap());
    for (name, value) in &before {
        let frozen = name.starts_with("image_encoder.") || name.starts_with("shape_decoder.");
        // The bias of a convolution in front of a batch normalisation has no effect and may stay.
        if frozen {
            assert!(value == &after[name], "{name} changed");
        } else if name.ends_with("running_mean") || name.ends_with("final_conv.weight") {
            assert!(value != &after[name], "{name} stayed");
        }
    }
}

#[test]
fn fine_tuning_keeps_classes_by_name() {
    let start = finished(trainer(&json!({}))).best_model().unwrap();
    let new = json!({"network": {"classes": ["background", "RV", "scar", "LV", "fat"]}});
    let tuned = Trainer::new(config(&new), Some(&data(3)), None, Some(&start)).unwrap();
    let (before, after) = (values(&start), values(&tuned.current_model().unwrap()));
    let row = |map: &TensorMap, name: &str, class: usize| {
        let tensor = &map[name];
        let classes = tensor.shape[0] as usize;
        let size = tensor.bytes.len() / classes;
        tensor.bytes[class * size..(class + 1) * size].to_vec()
    };
    for name in ["segmentation_decoder.final_conv.weight", "shape_decoder.final_conv.bias"] {
        for (new, old) in [(0, 0), (1, 3), (3, 1)] {
            assert_eq!(row(&after, name, new), row(&before, name, old), "{name}");
        }
    }
    assert!(
        before["image_encoder.general_encoder.inc.0.weight"]
            == after["image_encoder.general_encoder.inc.0.weight"]
    );
    let wider = json!({"network": {"width": 4}});
    let error = Trainer::new(config(&wider), Some(&data(3)), None, Some(&start)).unwrap_err().to_string();
    assert!(error.contains("expected the same, but for the classes"), "{error}");
}

#[test]
fn a_loss_that_is_not_finite_names_step_cases_and_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let changes = json!({"snapshots": {"folder": folder.path(), "every_steps": 1}});
    trainer(&json!({})).write_snapshot(&folder.path().join("snapshot-000000001.coopseg")).unwrap();
    let endless = CooperativeNetwork::new(config(&changes).architecture(), 0, Device::Cpu).unwrap();
    for weight in endless.weights() {
        let _ = tch::no_grad(|| weight.tensor.shallow_clone().fill_(f64::INFINITY));
    }
    let start = config(&changes);
    let start = Model::new(endless, &start.network.classes, &start.preprocess, Value::Null).unwrap();
    let mut trainer = Trainer::new(config(&changes), Some(&data(3)), None, Some(&start)).unwrap();
    let error = trainer.run(&mut go_on).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Diverged(_)), "{text}");
    for words in ["step 1 (epoch 1)", "a batch of A00", "snapshot-000000001.coopseg"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(matches!(trainer.run(&mut go_on), Err(Error::InvalidState(_))));
    assert!(matches!(trainer.write_snapshot(&folder.path().join("x")), Err(Error::InvalidState(_))));
    assert!(matches!(trainer.best_model(), Err(Error::InvalidState(_))));
}

#[test]
fn steps_by_hand_equal_a_run() {
    let whole = finished(trainer(&json!({})));
    let mut by_hand = trainer(&json!({}));
    for _ in 0..4 {
        for step in 0..3 {
            let event = by_hand.train_next().unwrap();
            assert_eq!(event.steps_per_epoch, 3);
            assert!(event.losses.sum().is_finite(), "{step}");
        }
        by_hand.validate().unwrap();
    }
    assert_same(&whole, &by_hand);
    // From the end of an epoch, where a run was stopped.
    let mut stopped = trainer(&json!({}));
    assert!(matches!(stopped.run(&mut stop_at(3)), Err(Error::Cancelled)));
    for _ in 0..4 {
        stopped.train_next().unwrap();
    }
    assert_eq!(stopped.history().epochs.len(), 2);
    by_hand.set_learning_rate(1e-5).unwrap();
    assert_eq!(by_hand.train_next().unwrap().learning_rate, 1e-5);
    assert!(by_hand.set_learning_rate(f64::NAN).is_err());
}

#[test]
fn hosts_hand_in_their_own_batches() {
    let mut trainer =
        Trainer::new(config(&json!({"optimizer": {"learning_rate": 1e-2}})), None, Some(&data(2)), None)
            .unwrap();
    let shape = [3, 1, 32, 48];
    let labels: Vec<u8> = (0..3 * 32 * 48).map(|index| u8::from(index % 48 > 20)).collect();
    let images: Vec<f32> = labels.iter().map(|&label| 0.2 + 0.5 * f32::from(label)).collect();
    let first = trainer.train_host_batch(shape, &images, &labels).unwrap();
    let mut last = first.clone();
    for _ in 0..30 {
        last = trainer.train_host_batch(shape, &images, &labels).unwrap();
    }
    assert_eq!(last.step, 31);
    assert!(last.losses.segmentation < 0.7 * first.losses.segmentation);
    assert!(trainer.validate().unwrap().best);
    assert_eq!(trainer.history().epochs.len(), 1);

    // The last leaves one value per channel, which has no variance.
    for shape in [
        [3, 2, 32, 48],
        [3, 1, 30, 48],
        [0, 1, 32, 48],
        [i64::MAX, 1, 32, 48],
        [3, 1, 32, -48],
        [1, 1, 16, 16],
    ] {
        assert!(matches!(trainer.check_batch_shape(shape), Err(Error::InvalidShape(_))), "{shape:?}");
    }
    let error = trainer.train_host_batch(shape, &images, &vec![7; labels.len()]).unwrap_err().to_string();
    assert!(error.contains("value 7; expected 0 to 3"), "{error}");
    let error = trainer.train_host_batch(shape, &vec![f32::NAN; images.len()], &labels).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
    assert!(matches!(trainer.train_next(), Err(Error::InvalidState(_))));
    assert!(matches!(trainer.run(&mut go_on), Err(Error::InvalidState(_))));
    let cosine = config(&json!({"schedule": {"decay": "cosine"}}));
    assert!(matches!(Trainer::new(cosine, None, None, None), Err(Error::InvalidConfig(_))));
}

#[test]
fn accumulated_batches_update_once() {
    let mut two = trainer(&json!({"optimizer": {"accumulate_steps": 2}}));
    let before = values(&two.current_model().unwrap());
    let weight = "image_encoder.general_encoder.inc.0.weight";
    two.train_next().unwrap();
    assert!(values(&two.current_model().unwrap())[weight] == before[weight]);
    two.train_next().unwrap();
    assert!(values(&two.current_model().unwrap())[weight] != before[weight]);

    // Gone on with in the middle, with a part frozen from now on.
    two.train_next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("snapshot.coopseg");
    two.write_snapshot(&snapshot).unwrap();
    let mut frozen = resume(&snapshot, r#"{"frozen": ["image_encoder"]}"#);
    let before = values(&frozen.current_model().unwrap());
    frozen.train_next().unwrap();
    let after = values(&frozen.current_model().unwrap());
    assert!(after[weight] == before[weight]);
    assert!(after["shape_decoder.final_conv.weight"] != before["shape_decoder.final_conv.weight"]);
}

#[test]
fn an_update_is_the_mean_of_the_batches_that_were_accumulated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    let mut four = trainer(&json!({"optimizer": {"accumulate_steps": 4, "clip_norm": 1e6}}));
    for _ in 0..3 {
        four.train_next().unwrap();
    }
    four.write_snapshot(&path).unwrap();
    // Fewer are enough from now on, but four there are.
    let mut two = resume(&path, r#"{"optimizer": {"accumulate_steps": 2}}"#);
    let norms = [&mut four, &mut two].map(|trainer| trainer.train_next().unwrap().gradient_norm.unwrap());
    assert_eq!(norms[0], norms[1]);
    two.train_next().unwrap();
    let unchanged = values(&two.current_model().unwrap());
    two.train_next().unwrap();
    let weight = "image_encoder.general_encoder.inc.0.weight";
    assert!(values(&two.current_model().unwrap())[weight] != unchanged[weight]);
}

#[test]
fn a_step_without_anything_to_learn_from_hard_examples_is_a_standard_one() {
    let changes = json!({
        "frozen": ["shape_encoder", "shape_decoder"], "hard_examples": {"sources": ["shape"]},
    });
    assert!(trainer(&changes).train_next().unwrap().losses.sum().is_finite());
}

#[test]
fn a_step_that_leaves_one_value_to_normalise_is_refused() {
    let changes = json!({
        "slices_per_step": 1, "with_unaugmented": false, "preprocess": {"pad": [16, 16], "crop": [16, 16]},
    });
    let refused = Trainer::new(config(&changes), Some(&data(3)), None, None).unwrap_err().to_string();
    assert!(refused.contains("one value per channel"), "{refused}");
}

/// A table without the columns that depend on the clock.
fn timeless_rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let clock = ["examples_per_second", "waiting_share", "memory_bytes", "seconds_elapsed"];
    let columns: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let cells = |line: &str| {
        let cells = line.split(',').zip(&columns).filter(|(_, column)| !clock.contains(column));
        cells.map(|(cell, _)| cell.to_owned()).collect()
    };
    text.lines().map(cells).collect()
}

#[test]
fn records_of_a_resumed_run_equal_those_of_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let recording = |name: &str| {
        let own = folder.path().join(name);
        json!({
            "recording": {
                "csv": own.join("run.csv"), "json_lines": own.join("run.jsonl"),
                "tensorboard": own.join("board"), "report": own.join("report.html"),
            },
            "snapshots": {"folder": own.join("snapshots"), "every_steps": 3, "on_cancel": false},
        })
    };
    finished(trainer(&recording("whole")));
    // Stopped at step 5, it goes on from step 3: what was written after that is cut away.
    assert!(matches!(trainer(&recording("parts")).run(&mut stop_at(5)), Err(Error::Cancelled)));
    let parts = folder.path().join("parts");
    assert!(std::fs::read_to_string(parts.join("report.html")).unwrap().contains("After 1 of 4 epochs."));
    finished(resume(&parts.join("snapshots"), ""));

    let whole = folder.path().join("whole");
    assert_eq!(timeless_rows(&whole.join("run.csv")), timeless_rows(&parts.join("run.csv")));
    let losses = |own: &Path| -> Vec<Value> {
        let text = std::fs::read_to_string(own.join("run.jsonl")).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .map(|event| json!([event["event"], event["step"], event["losses"], event["validation"]]))
            .collect()
    };
    assert_eq!(losses(&whole), losses(&parts));
    let report = std::fs::read_to_string(parts.join("report.html")).unwrap();
    assert!(report.contains("Finished after 4 epochs.") && report.contains("data:image/png;base64,"));
    assert!(report.contains(&data(2).cases()[0].name));
    assert_eq!(std::fs::read_dir(parts.join("board")).unwrap().count(), 2);
}

#[test]
fn histories_keep_single_cases_of_the_best_and_the_last_epoch() {
    let trainer = finished(trainer(&json!({"epochs": 6})));
    let history = trainer.history();
    for record in &history.epochs {
        let kept = record.epoch == 6 || Some(record.epoch) == history.best_epoch;
        let cases = record.validation.as_ref().unwrap().cases.len();
        assert_eq!(cases, if kept { 2 } else { 0 }, "epoch {}", record.epoch);
    }
}
