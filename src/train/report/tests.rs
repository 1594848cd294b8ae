use super::*;
use crate::train::data_summary::{CaseSummary, SetSummary, SkippedCase};
use crate::train::event::{CaseScores, EpochRecord, ValidationScores};
use crate::train::losses::LossValues;
use ndarray::Array2;
use serde_json::json;

const HOSTILE: &str = "<script>alert(\"001\")</script>/ED";

fn history(epochs: u64, validated: bool) -> History {
    let record = |epoch: u64| {
        let dice = vec![0.99, 1.0 - 1.0 / epoch as f64, f64::NAN];
        EpochRecord {
            epoch,
            step: epoch * 5,
            losses: LossValues {
                segmentation: 1.0 / epoch as f64,
                hard_segmentation: Some(2.0 / epoch as f64),
                ..LossValues::default()
            },
            learning_rate: 1e-4,
            validation: validated.then(|| ValidationScores {
                fast_dice: dice.clone(),
                refined_dice: dice.clone(),
                fast_mean_iou: 0.5,
                mean_iou: 0.6,
                selection: 0.6,
                best: epoch == epochs,
                cases: vec![CaseScores {
                    case: HOSTILE.to_owned(),
                    fast_dice: dice.clone(),
                    refined_dice: dice.clone(),
                    fast_mean_iou: 0.5,
                    refined_mean_iou: 0.6,
                }],
            }),
            seconds_elapsed: 70.0 * epoch as f64,
            examples_per_second: 20.0,
            waiting_share: 0.012,
            memory_bytes: 512 << 20,
        }
    };
    History { epochs: (1..=epochs).map(record).collect(), best_epoch: validated.then_some(epochs) }
}

fn page(history: &History, views: &[(String, CaseView)]) -> String {
    let set = SetSummary {
        cases: vec![CaseSummary {
            case: HOSTILE.to_owned(),
            subject: "001".to_owned(),
            shape: [216, 256, 10],
            spacing: [1.5625, 1.5625, 10.0],
            labelled_slices: 8,
            class_millilitres: vec![9000.0, 130.0, 120.0],
        }],
        skipped: vec![SkippedCase { case: "bad & worse".to_owned(), problem: "no label map".to_owned() }],
        in_memory: true,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/report.html");
    let input = ReportInput {
        outcome: "Finished.",
        configuration: &json!({"epochs": 600}),
        history,
        data: &DataSummary { training: set, validation: None },
        classes: &["background", "LV", "<b>MYO"].map(str::to_owned),
        device: "cpu",
        seed: 7,
        views,
    };
    write(&path, &input).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn everything_is_in_one_file_and_escaped() {
    let view = CaseView {
        case: HOSTILE.to_owned(),
        slice: 4,
        image: Array2::from_shape_fn((32, 48), |(y, x)| (y * x) as f32 / 1500.0),
        reference: Array2::from_elem((32, 48), 1),
        fast: Array2::zeros((32, 48)),
        refined: Array2::from_elem((32, 48), 2),
    };
    let page = page(&history(600, true), &[("worst, Dice 0.1".to_owned(), view)]);
    assert!(!page.contains("<script") && !page.contains("<b>MYO") && page.contains("&lt;script&gt;"));
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org/").count()
    );
    assert!(!page.contains("https://"));
    assert_eq!(page.matches("data:image/png;base64,").count(), 1);
    for words in
        ["Losses on hard examples", "bad &amp; worse", "1.2 %", "512 MiB", "11 h 40 min", "216 × 256 × 10"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn short_trainings_have_a_report_too() {
    let unvalidated = page(&history(1, false), &[]);
    assert!(unvalidated.contains("Losses on clean images") && !unvalidated.contains("Validation cases"));
    let none = page(&History::default(), &[]);
    assert!(!none.contains("<svg") && none.contains("Configuration"));
}
