//! The page.

use super::chart::{self, COLOURS, Curve};
use super::{ReportInput, pictures};
use crate::error::{Error, Result};
use crate::metrics::mean_foreground;
use crate::picture::class_colour;
use crate::train::data_summary::SetSummary;
use crate::train::event::{CaseScores, EpochRecord};
use crate::train::losses::LossValues;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn render(input: &ReportInput) -> Result<String> {
    let configuration = serde_json::to_string_pretty(input.configuration)
        .map_err(|error| Error::Internal(format!("configuration to JSON: {error}")))?;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "coopseg training report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Training report" }
                    p.outcome { (input.outcome) }
                    (tiles(input))
                    h2 { "Curves" }
                    div.charts { (curves(input)?) }
                    @if let Some(record) = best_validated(input) {
                        h2 { "Validation cases after epoch " (record.epoch) }
                        @if let Some(scores) = &record.validation { (case_table(&scores.cases, input.classes)) }
                        (views(input)?)
                    }
                    h2 { "Data" }
                    (set("Training", &input.data.training, input.classes))
                    @if let Some(validation) = &input.data.validation {
                        (set("Validation", validation, input.classes))
                    }
                    h2 { "Configuration" }
                    details { summary { "Every key" } pre { (configuration) } }
                    footer { "coopseg " (env!("CARGO_PKG_VERSION")) ", seed " (input.seed) ", " (input.device) }
                }
            }
        }
    };
    Ok(markup.into_string())
}

/// The best epoch, or the last validated one.
fn best_validated<'a>(input: &'a ReportInput) -> Option<&'a EpochRecord> {
    input
        .history
        .best()
        .filter(|record| record.validation.is_some())
        .or_else(|| input.history.epochs.iter().rev().find(|record| record.validation.is_some()))
}

fn tiles(input: &ReportInput) -> Markup {
    let epochs = &input.history.epochs;
    let last = epochs.last();
    let best = best_validated(input).and_then(|record| record.validation.as_ref());
    let steps = last.map_or(0, |record| record.step);
    let seconds = last.map_or(0.0, |record| record.seconds_elapsed);
    let count = epochs.len().max(1) as f64;
    let mean = |value: fn(&EpochRecord) -> f64| epochs.iter().map(value).sum::<f64>() / count;
    let waiting = mean(|record| record.waiting_share);
    let memory = epochs.iter().map(|record| record.memory_bytes).max().unwrap_or(0);
    let score = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let entries = [
        ("Dice, FTN", score(best.map(|scores| mean_foreground(&scores.fast_dice)))),
        ("Dice, FTN+STN", score(best.map(|scores| mean_foreground(&scores.refined_dice)))),
        ("mean IoU, FTN+STN", score(best.map(|scores| scores.mean_iou))),
        ("best epoch", input.history.best_epoch.map_or_else(|| "–".to_owned(), |epoch| epoch.to_string())),
        ("epochs", epochs.last().map_or(0, |record| record.epoch).to_string()),
        ("steps", steps.to_string()),
        ("time", duration(seconds)),
        ("slices per second", format!("{:.1}", mean(|record| record.examples_per_second))),
        ("waiting for data", format!("{:.1} %", 100.0 * waiting)),
        ("memory", format!("{:.0} MiB", memory as f64 / 1_048_576.0)),
    ];
    html! {
        div.tiles {
            @for (name, value) in entries { div.tile { div.value { (value) } div.name { (name) } } }
        }
    }
}

fn curves(input: &ReportInput) -> Result<Markup> {
    let epochs = &input.history.epochs;
    let over = |value: &dyn Fn(&EpochRecord) -> f64| -> Vec<(f64, f64)> {
        epochs.iter().map(|record| (record.epoch as f64, value(record))).collect()
    };
    let validated = |value: &dyn Fn(&crate::train::event::ValidationScores) -> f64| -> Vec<(f64, f64)> {
        epochs
            .iter()
            .filter_map(|record| Some((record.epoch as f64, value(record.validation.as_ref()?))))
            .collect()
    };
    let losses = |hard: bool| -> Vec<Curve> {
        let names = LossValues::NAMES.into_iter().enumerate();
        names
            .filter(|(_, name)| name.starts_with("hard_") == hard)
            .filter(|(index, _)| epochs.iter().any(|record| record.losses.values()[*index].is_some()))
            .enumerate()
            .map(|(place, (index, name))| Curve {
                name: name.replace('_', " "),
                points: over(&|record| record.losses.values()[index].unwrap_or(f64::NAN)),
                colour: COLOURS[place % COLOURS.len()],
                thin: false,
            })
            .collect()
    };
    let dice = |stage: &dyn Fn(&crate::train::event::ValidationScores) -> Vec<f64>| -> Vec<Curve> {
        let classes = input.classes.iter().enumerate().skip(1);
        classes
            .map(|(index, name)| Curve {
                name: name.clone(),
                points: validated(&|scores| stage(scores).get(index).copied().unwrap_or(f64::NAN)),
                // Class counts are limited to 255.
                colour: class_colour(index as u8),
                thin: false,
            })
            .collect()
    };
    let iou = vec![
        Curve {
            name: "FTN".to_owned(),
            points: validated(&|scores| scores.fast_mean_iou),
            colour: COLOURS[0],
            thin: true,
        },
        Curve {
            name: "FTN+STN".to_owned(),
            points: validated(&|scores| scores.mean_iou),
            colour: COLOURS[1],
            thin: false,
        },
    ];
    let rate = vec![Curve {
        name: "learning rate".to_owned(),
        points: over(&|record| record.learning_rate),
        colour: COLOURS[0],
        thin: false,
    }];
    let mut markup = html! {};
    for (title, curves, unit, logarithmic) in [
        ("Losses on clean images", losses(false), false, true),
        ("Losses on hard examples", losses(true), false, true),
        ("Validation Dice, FTN", dice(&|scores| scores.fast_dice.clone()), true, false),
        ("Validation Dice, FTN+STN", dice(&|scores| scores.refined_dice.clone()), true, false),
        ("Validation mean IoU, background included", iou, true, false),
        ("Learning rate", rate, false, false),
    ] {
        if let Some(svg) = chart::draw(&curves, unit, logarithmic)? {
            markup = html! {
                (markup)
                figure {
                    figcaption { (title) @if logarithmic { span.hint { " (logarithmic)" } } }
                    (PreEscaped(svg))
                    div.legend {
                        @for curve in &curves { span { i style=(swatch(curve.colour)) {} (curve.name) } }
                    }
                }
            };
        }
    }
    Ok(markup)
}

fn case_table(cases: &[CaseScores], classes: &[String]) -> Markup {
    let mut cases: Vec<&CaseScores> = cases.iter().collect();
    cases.sort_by(|a, b| mean_foreground(&b.refined_dice).total_cmp(&mean_foreground(&a.refined_dice)));
    let foreground = classes.get(1..).unwrap_or_default();
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th rowspan="2" { "case" }
                        th colspan=(foreground.len() + 1) { "Dice, FTN" }
                        th colspan=(foreground.len() + 1) { "Dice, FTN+STN" }
                    }
                    tr { @for _ in 0..2 { @for class in foreground { th { (class) } } th { "mean" } } }
                }
                tbody {
                    @for case in cases {
                        tr {
                            td { (case.case) }
                            @for dice in [&case.fast_dice, &case.refined_dice] {
                                @for &value in dice.iter().skip(1) { td.number { (number(value)) } }
                                td.number { b { (number(mean_foreground(dice))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn views(input: &ReportInput) -> Result<Markup> {
    let mut markup = html! {
        @if !input.views.is_empty() {
            div.legend {
                @for (index, class) in input.classes.iter().enumerate().skip(1) {
                    // Class counts are limited to 255.
                    span { i style=(swatch(class_colour(index as u8))) {} (class) }
                }
            }
        }
    };
    for (caption, view) in input.views {
        let uri = pictures::data_uri(view)?;
        markup = html! {
            (markup)
            figure.case {
                figcaption { b { (view.case) } ", slice " (view.slice) ": " (caption) }
                div.panels { @for name in pictures::PANELS { span { (name) } } }
                img src=(uri) alt=(format!("{}: image, reference, FTN, FTN+STN", view.case));
            }
        };
    }
    Ok(markup)
}

fn set(name: &str, set: &SetSummary, classes: &[String]) -> Markup {
    let slices: usize = set.cases.iter().map(|case| case.shape[2]).sum();
    let labelled: usize = set.cases.iter().map(|case| case.labelled_slices).sum();
    html! {
        details open[set.cases.len() <= 12] {
            summary {
                (name) ": " (set.cases.len()) " cases, " (slices) " slices, " (labelled) " of them labelled"
                @if !set.in_memory { " (not all kept in memory)" }
            }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "case" } th { "size" } th { "spacing in mm" } th { "labelled slices" }
                            @for class in classes.iter().skip(1) { th { (class) " in ml" } }
                        }
                    }
                    tbody {
                        @for case in &set.cases {
                            tr {
                                td { (case.case) }
                                td { (case.shape.map(|size| size.to_string()).join(" × ")) }
                                td { (case.spacing.map(|mm| format!("{mm:.3}")).join(" × ")) }
                                td.number { (case.labelled_slices) }
                                @for ml in case.class_millilitres.iter().skip(1) { td.number { (format!("{ml:.1}")) } }
                            }
                        }
                    }
                }
            }
            @if !set.skipped.is_empty() {
                p { b { (set.skipped.len()) " left out:" } }
                ul { @for case in &set.skipped { li { b { (case.case) } ": " (case.problem) } } }
            }
        }
    }
}

fn swatch([red, green, blue]: [u8; 3]) -> String {
    format!("background:rgb({red},{green},{blue})")
}

fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "–".to_owned() }
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds:.1} s"),
        (0, _) => format!("{minutes} min {} s", whole % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}
