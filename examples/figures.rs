//! Pictures of what the library does to images, for people to look at: `make figures`.
//!
//! Writes `augmentation.png` into the folder that is given: every step of the training pipeline on one synthetic
//! slice, each alone and all together, with the classes in colour.

#![allow(clippy::disallowed_methods)]

use coopseg::augment::{Augmentation, Slice, augment, plain};
use coopseg::error::Result;
use coopseg::phantom;
use coopseg::picture::{Canvas, LINE_HEIGHT, Rect, TextStyle, draw_image, draw_labels, draw_text, fit_text};
use coopseg::random::{Purpose, stream};
use coopseg::volume::{IntensityWindow, NetworkGrid, Preprocess};
use ndarray::Axis;
use std::path::PathBuf;

const COLUMNS: usize = 4;
const SIDE: usize = 260;
const GAP: usize = 14;
const CLASSES: usize = phantom::CLASSES.len();
const CAPTION: TextStyle = TextStyle { colour: [225, 228, 233], bold: false };

/// Changes an augmentation that does nothing.
type Switch = fn(&mut Augmentation);

struct Panel {
    caption: String,
    slice: Slice,
    window: (f32, f32),
}

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "build/figures".to_owned()));
    std::fs::create_dir_all(&folder).map_err(|error| coopseg::error::Error::io(&folder, "create", error))?;
    let path = folder.join("augmentation.png");
    write_sheet(&panels()?, &path)
}

fn panels() -> Result<Vec<Panel>> {
    let options = phantom::Options { subjects: 1, ..phantom::Options::default() };
    let (_, mut image, labels) = phantom::generate(&options, 0)?;
    let middle = image.voxels.len_of(Axis(0)) / 2;
    let mut panels = Vec::new();
    let mut show = |caption: &str, slice: Slice, window: (f32, f32)| {
        let (height, width) = slice.image.dim();
        panels.push(Panel { caption: format!("{caption} ({width}x{height})"), slice, window });
    };
    let label = labels.voxels.index_axis(Axis(0), middle);

    let raw = image.voxels.index_axis(Axis(0), middle).to_owned();
    let range = image.voxels.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    show("as scanned, whole range", Slice { image: raw, label: label.to_owned() }, range);

    let preprocess = Preprocess::default();
    let window = IntensityWindow::of_volume(&image, preprocess.percentiles)?;
    for mut slice in image.voxels.outer_iter_mut() {
        let mut own = slice.to_owned();
        window.apply(&mut own);
        slice.assign(&own);
    }
    let clipped = image.voxels.index_axis(Axis(0), middle);
    let unit = (0.0, 1.0);
    show("clipped to percentiles", Slice { image: clipped.to_owned(), label: label.to_owned() }, unit);

    let grid = NetworkGrid::of_volume(&image, &preprocess)?;
    let resampled = Slice { image: grid.resample_image(clipped)?, label: grid.resample_labels(label)? };
    show("resampled", resampled.clone(), unit);

    let (pad, crop) = (preprocess.pad, preprocess.crop);
    show("padded", plain(&resampled, pad, pad)?, unit);
    let switches: [(&str, Switch); 6] = [
        ("horizontal flip", |config| config.horizontal_flip.probability = 1.0),
        ("vertical flip", |config| config.vertical_flip.probability = 1.0),
        ("brightness", |config| config.brightness.probability = 1.0),
        ("affine", |config| config.affine.probability = 1.0),
        ("multiple of 45 degrees", |config| config.discrete_rotation.probability = 1.0),
        ("elastic", |config| config.elastic.probability = 1.0),
    ];
    let drawn = |config: &Augmentation, size, key| {
        augment(&resampled, pad, size, CLASSES, config, &mut stream(4, Purpose::Augmentation, [key, 0, 0]))
    };
    for (caption, switch) in switches {
        let mut config = Augmentation::none();
        switch(&mut config);
        show(caption, drawn(&config, pad, 2)?, unit);
    }
    show("cropped, min-max", plain(&resampled, pad, crop)?, unit);
    for key in 0..5 {
        show("all of them", drawn(&Augmentation::default(), crop, key)?, unit);
    }
    Ok(panels)
}

fn write_sheet(panels: &[Panel], path: &std::path::Path) -> Result<()> {
    let rows = panels.len().div_ceil(COLUMNS);
    let cell = (2 * SIDE + GAP, SIDE + LINE_HEIGHT + GAP);
    let mut canvas = Canvas::new(COLUMNS * (cell.0 + GAP) + GAP, rows * (cell.1 + GAP) + GAP, [18, 20, 24])?;
    for (index, panel) in panels.iter().enumerate() {
        let (x, y) = (GAP + index % COLUMNS * (cell.0 + GAP), GAP + index / COLUMNS * (cell.1 + GAP));
        draw_text(&mut canvas, x, y, &fit_text(&panel.caption, cell.0), CAPTION);
        let (height, width) = panel.slice.image.dim();
        let scale = SIDE as f64 / height.max(width) as f64;
        let size = |length: usize| (length as f64 * scale).round() as usize;
        for side in 0..2 {
            let frame =
                Rect { x: x + side * (SIDE + GAP), y: y + LINE_HEIGHT + 4, width: SIDE, height: SIDE };
            let rect = frame.centred(size(width), size(height));
            draw_image(&mut canvas, rect, panel.slice.image.view(), panel.window);
            if side == 1 {
                draw_labels(&mut canvas, rect, panel.slice.label.view())?;
            }
        }
    }
    canvas.write_png(path)
}
