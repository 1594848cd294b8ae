use super::*;
use crate::train::event::{EventKind, ValidationScores};
use crate::train::losses::LossValues;
use serde_json::Value;

fn event(kind: EventKind, step: u64) -> Event {
    Event {
        kind,
        epoch: 1 + step / 3,
        epochs: 9,
        step,
        steps_per_epoch: 3,
        losses: LossValues { segmentation: 1.0 / (step + 1) as f64, ..LossValues::default() },
        learning_rate: 1e-4,
        gradient_norm: None,
        validation: Some(ValidationScores {
            fast_dice: vec![0.9, f64::NAN],
            refined_dice: vec![0.95, 0.5],
            fast_mean_iou: 0.6,
            mean_iou: 0.7,
            selection: 0.7,
            best: true,
            cases: Vec::new(),
        }),
        examples_per_second: 12.5,
        waiting_share: 0.01,
        memory_bytes: 1 << 28,
        seconds_elapsed: step as f64,
        seconds_left: 5.0,
    }
}

fn classes() -> Vec<String> {
    vec!["background".to_owned(), "LV, \"left\"\nventricle".to_owned()]
}

fn record(options: &Recording, steps: std::ops::RangeInclusive<u64>, resumed: Option<Resumed>) {
    let mut recorder = Recorder::open(options, &classes(), resumed).unwrap();
    for step in steps {
        recorder.event(&event(EventKind::Step, step)).unwrap();
        if step % 3 == 0 {
            recorder.event(&event(EventKind::Validation, step)).unwrap();
        }
    }
    recorder.event(&event(EventKind::Finished, 6)).unwrap();
}

#[test]
fn files_hold_every_event_and_a_resumed_training_cuts_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = Recording {
        csv: Some(folder.path().join("new/run.csv")),
        json_lines: Some(folder.path().join("run.jsonl")),
        tensorboard: Some(folder.path().join("board")),
        report: None,
    };
    record(&options, 1..=6, None);
    let csv = std::fs::read_to_string(options.csv.as_ref().unwrap()).unwrap();
    let lines = std::fs::read_to_string(options.json_lines.as_ref().unwrap()).unwrap();

    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 8);
    let cell = |row: usize, name: &str| {
        let column = header.iter().position(|own| own == name).unwrap_or_else(|| panic!("{header:?}"));
        rows[row].get(column).unwrap().to_owned()
    };
    assert_eq!(cell(0, "loss_segmentation"), "0.5");
    assert_eq!(cell(0, "mean_iou"), "");
    assert_eq!(cell(3, "event"), "validation");
    assert_eq!(cell(3, "mean_iou"), "0.7");
    assert_eq!(cell(3, "fast_dice_LV, \"left\" ventricle"), "");
    assert_eq!(cell(3, "refined_dice_LV, \"left\" ventricle"), "0.5");
    assert_eq!(cell(0, "gradient_norm"), "");

    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 9);
    assert_eq!(events[3]["validation"]["fast_dice"], serde_json::json!([0.9, null]));
    assert_eq!(events[0]["validation"], Value::Null);
    assert_eq!(events[8]["event"], "finished");

    // Killed in the middle of a line, and resumed behind it.
    for path in [&options.csv, &options.json_lines] {
        let path = path.as_ref().unwrap();
        let text = std::fs::read(path).unwrap();
        let within_a_character = [&text[..text.len() - 7], b"\xc3"].concat();
        std::fs::write(path, within_a_character).unwrap();
    }
    record(&options, 3..=6, Some(Resumed { step: 2, epoch_ended: false }));
    assert_eq!(std::fs::read_to_string(options.csv.as_ref().unwrap()).unwrap(), csv);
    assert_eq!(std::fs::read_to_string(options.json_lines.as_ref().unwrap()).unwrap(), lines);
    assert_eq!(std::fs::read_dir(options.tensorboard.as_ref().unwrap()).unwrap().count(), 2);

    // Resumed at the end of an epoch, before and after its validation.
    for epoch_ended in [false, true] {
        let mut recorder =
            Recorder::open(&options, &classes(), Some(Resumed { step: 6, epoch_ended })).unwrap();
        let lines = std::fs::read_to_string(options.json_lines.as_ref().unwrap()).unwrap();
        assert_eq!(lines.matches("\"validation\",").count(), if epoch_ended { 2 } else { 1 }, "{lines}");
        if !epoch_ended {
            recorder.event(&event(EventKind::Validation, 6)).unwrap();
        }
        assert_eq!(std::fs::read_to_string(options.csv.as_ref().unwrap()).unwrap(), csv);
    }

    // A new training starts over.
    record(&options, 1..=1, None);
    let lines = std::fs::read_to_string(options.json_lines.as_ref().unwrap()).unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(std::fs::read_dir(options.tensorboard.as_ref().unwrap()).unwrap().count(), 1);
}

#[test]
fn files_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = Recording { csv: Some(folder.path().to_owned()), ..Recording::default() };
    let error = Recorder::open(&options, &classes(), None).unwrap_err().to_string();
    assert!(error.contains(&folder.path().display().to_string()), "{error}");
}
