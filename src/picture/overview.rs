//! A sheet of cases: image, reference, both stages' segmentations and the entropy side by side.

use std::path::Path;

use ndarray::ArrayView2;

use super::canvas::{Canvas, Rect};
use super::colour::{Rgb, class_colour};
use super::panel::{draw_image, draw_labels, draw_map, robust_window};
use super::text::{LINE_HEIGHT, TextStyle, draw_text, fit_text, text_width};
use crate::error::{Error, Result};
use crate::memory;

/// Longer side of a panel in pixels.
const PANEL_SIDE: f64 = 240.0;
/// Around everything.
const MARGIN: usize = 24;
/// Between neighbouring panels.
const GAP: usize = 12;
/// Between a row's panels and the next row's title.
const ROW_GAP: usize = 18;
/// Between a line of text and what it belongs to.
const TEXT_GAP: usize = 6;
/// Width of the colour bar and the distance to its numbers.
const BAR_WIDTH: usize = 14;
const BAR_GAP: usize = 6;
/// Side of a class's square in the legend.
const SWATCH: usize = 14;

const BACKGROUND: Rgb = [18, 20, 24];
const EMPTY: Rgb = [34, 37, 43];
const HEADING: TextStyle = TextStyle { colour: [236, 238, 242], bold: true };
const PLAIN: TextStyle = TextStyle { colour: [214, 217, 223], bold: false };
const MUTED: TextStyle = TextStyle { colour: [146, 151, 160], bold: false };

/// One case of the sheet: a slice and what is known about it. All arrays are indexed `[y, x]` and
/// have the image's shape.
#[derive(Clone, Debug)]
pub struct OverviewRow<'a> {
    /// Stands above the panels; shortened if it is too long.
    pub title: String,
    /// Grey values on any scale.
    pub image: ArrayView2<'a, f32>,
    /// Reference classes.
    pub reference: Option<ArrayView2<'a, u8>>,
    /// Classes of the first stage (FTN).
    pub fast_labels: Option<ArrayView2<'a, u8>>,
    /// Classes of both stages (FTN+STN).
    pub labels: Option<ArrayView2<'a, u8>>,
    /// Entropy of the class probabilities in nats, from 0 to ln(number of classes).
    pub entropy: Option<ArrayView2<'a, f32>>,
    /// Spacing of the slice along x and y, in mm (or any other common unit): panels keep the aspect.
    pub pixel_spacing: [f64; 2],
}

/// The columns that a sheet can have, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Image,
    Reference,
    Fast,
    Refined,
    Entropy,
}

impl Column {
    const ALL: [Column; 5] =
        [Column::Image, Column::Reference, Column::Fast, Column::Refined, Column::Entropy];

    fn heading(self) -> &'static str {
        match self {
            Column::Image => "image",
            Column::Reference => "reference",
            Column::Fast => "FTN",
            Column::Refined => "FTN+STN",
            Column::Entropy => "entropy",
        }
    }
}

impl OverviewRow<'_> {
    fn labels_of(&self, column: Column) -> Option<ArrayView2<'_, u8>> {
        match column {
            Column::Reference => self.reference,
            Column::Fast => self.fast_labels,
            Column::Refined => self.labels,
            Column::Image | Column::Entropy => None,
        }
    }

    fn has(&self, column: Column) -> bool {
        match column {
            Column::Image => true,
            Column::Entropy => self.entropy.is_some(),
            other => self.labels_of(other).is_some(),
        }
    }

    fn check(&self, classes: usize) -> Result<()> {
        let shape = self.image.dim();
        let title = &self.title;
        if self.image.is_empty() {
            return Err(Error::InvalidShape(format!("`{title}`: the image has no pixels (shape {shape:?})")));
        }
        if !self.pixel_spacing.iter().all(|&spacing| spacing.is_finite() && spacing > 0.0) {
            let spacing = self.pixel_spacing;
            return Err(Error::InvalidGeometry(format!(
                "`{title}`: pixel spacing {spacing:?}; positive numbers are needed"
            )));
        }
        for column in Column::ALL {
            let labels = self.labels_of(column);
            let own = match column {
                Column::Entropy => self.entropy.map(|map| map.dim()),
                _ => labels.map(|labels| labels.dim()),
            };
            if own.is_some_and(|own| own != shape) {
                return Err(Error::InvalidShape(format!(
                    "`{title}`: {} has shape {:?}, the image {shape:?}",
                    column.heading(),
                    own.unwrap_or_default()
                )));
            }
            let largest = labels.and_then(|labels| labels.iter().copied().max()).unwrap_or(0);
            if usize::from(largest) >= classes {
                return Err(Error::InvalidLabel(format!(
                    "`{title}`: {} has class {largest}; there are {classes} classes",
                    column.heading()
                )));
            }
        }
        Ok(())
    }

    /// Width and height in pixels at which the slice is shown.
    fn panel_size(&self) -> (usize, usize) {
        let (rows, columns) = self.image.dim();
        let [x, y] = self.pixel_spacing;
        let (width, height) = (columns as f64 * x, rows as f64 * y);
        let scale = PANEL_SIDE / width.max(height);
        let side = |length: f64| ((length * scale).round() as usize).max(1);
        (side(width), side(height))
    }
}

/// Writes a PNG sheet with one row per case.
///
/// The columns are the same in every row: image, and of reference, FTN, FTN+STN and entropy those
/// that at least one case has; where another case lacks one, an empty field stands. `class_names`
/// begin with the background. The entropy's colours run from 0 to ln(number of classes).
///
/// # Errors
/// - [`Error::InvalidArgument`]: no rows, or too many for one picture; fewer than two class names.
/// - [`Error::InvalidShape`], [`Error::InvalidLabel`], [`Error::InvalidGeometry`]: a row's arrays do
///   not fit its image, the classes or each other (names the row).
/// - [`Error::Io`]: the file cannot be written; what was at `path` before is untouched.
pub fn write_overview(path: &Path, rows: &[OverviewRow<'_>], class_names: &[String]) -> Result<()> {
    draw_overview(rows, class_names)?.write_png(path)
}

fn draw_overview(rows: &[OverviewRow<'_>], class_names: &[String]) -> Result<Canvas> {
    if class_names.len() < 2 {
        return Err(Error::InvalidArgument(format!(
            "an overview of {} classes; background and at least one other are needed",
            class_names.len()
        )));
    }
    rows.iter().try_for_each(|row| row.check(class_names.len()))?;
    let Some(sheet) = Sheet::new(rows, class_names) else {
        return Err(Error::InvalidArgument("an overview needs at least one row".into()));
    };
    let mut canvas = Canvas::new(sheet.width, sheet.height, BACKGROUND)?;
    sheet.draw_headings(&mut canvas);
    for (index, row) in rows.iter().enumerate() {
        sheet.draw_row(&mut canvas, index, row)?;
    }
    sheet.draw_legend(&mut canvas);
    Ok(canvas)
}

/// Where everything stands.
struct Sheet {
    columns: Vec<Column>,
    /// Width and height of every panel's field.
    cell: (usize, usize),
    width: usize,
    height: usize,
    legend: Vec<LegendEntry>,
    legend_top: usize,
    /// Largest possible entropy in nats.
    largest_entropy: f32,
}

/// A class in the legend, at its place relative to the legend's upper left corner.
struct LegendEntry {
    class: u8,
    name: String,
    x: usize,
    y: usize,
}

impl Sheet {
    fn new(rows: &[OverviewRow<'_>], class_names: &[String]) -> Option<Self> {
        let sizes = rows.iter().map(OverviewRow::panel_size);
        let cell = sizes.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))?;
        let columns: Vec<Column> =
            Column::ALL.into_iter().filter(|&column| rows.iter().any(|row| row.has(column))).collect();
        let largest_entropy = (class_names.len() as f32).ln();
        let bar = BAR_GAP * 2 + BAR_WIDTH + text_width(&number(largest_entropy));
        let panels = columns.len() * (cell.0 + GAP) - GAP;
        let inner = panels + if columns.contains(&Column::Entropy) { bar } else { 0 };
        let (legend, legend_height) = arrange_legend(class_names, inner);
        let rows_height = rows.len().checked_mul(LINE_HEIGHT + TEXT_GAP + cell.1 + ROW_GAP)?;
        let legend_top = MARGIN + LINE_HEIGHT + GAP + rows_height;
        Some(Sheet {
            columns,
            cell,
            width: inner + 2 * MARGIN,
            height: legend_top + legend_height + MARGIN,
            legend,
            legend_top,
            largest_entropy,
        })
    }

    fn field(&self, column: usize, row: usize) -> Rect {
        let row_height = LINE_HEIGHT + TEXT_GAP + self.cell.1 + ROW_GAP;
        let first = MARGIN + LINE_HEIGHT + GAP + LINE_HEIGHT + TEXT_GAP;
        let (width, height) = self.cell;
        Rect { x: MARGIN + column * (width + GAP), y: first + row * row_height, width, height }
    }

    fn draw_headings(&self, canvas: &mut Canvas) {
        for (index, column) in self.columns.iter().enumerate() {
            let field = self.field(index, 0);
            let heading = fit_text(column.heading(), field.width);
            let x = field.x + (field.width - text_width(&heading)) / 2;
            draw_text(canvas, x, MARGIN, &heading, HEADING);
            if *column == Column::Entropy {
                draw_text(canvas, field.x + field.width + BAR_GAP, MARGIN, "nats", MUTED);
            }
        }
    }

    fn draw_row(&self, canvas: &mut Canvas, index: usize, row: &OverviewRow<'_>) -> Result<()> {
        let window = robust_window(row.image)?;
        let (width, height) = row.panel_size();
        for (position, &column) in self.columns.iter().enumerate() {
            let field = self.field(position, index);
            if position == 0 {
                let y = field.y - TEXT_GAP - LINE_HEIGHT;
                let title = fit_text(&row.title, self.width - 2 * MARGIN);
                draw_text(canvas, field.x, y, &title, PLAIN);
            }
            let panel = field.centred(width, height);
            match (column, row.entropy) {
                (Column::Entropy, Some(map)) => {
                    draw_map(canvas, panel, map, self.largest_entropy);
                    self.draw_bar(canvas, field)?;
                }
                _ if row.has(column) => {
                    draw_image(canvas, panel, row.image, window);
                    if let Some(labels) = row.labels_of(column) {
                        draw_labels(canvas, panel, labels)?;
                    }
                }
                _ => {
                    canvas.fill(panel, EMPTY);
                    let text = fit_text("none", panel.width);
                    let middle = panel.centred(text_width(&text), LINE_HEIGHT);
                    draw_text(canvas, middle.x, middle.y, &text, MUTED);
                }
            }
        }
        Ok(())
    }

    /// The entropy's colours beside its field, with numbers at both ends and in the middle.
    fn draw_bar(&self, canvas: &mut Canvas, field: Rect) -> Result<()> {
        let bar = Rect { x: field.x + field.width + BAR_GAP, width: BAR_WIDTH, ..field };
        let from_top = (0..bar.height).map(|y| (y as f32 + 0.5) / bar.height as f32);
        let steps = from_top.map(|share| (1.0 - share) * self.largest_entropy);
        let steps = memory::collect((bar.height, 1), steps, "the colours of entropy")?;
        draw_map(canvas, bar, steps.view(), self.largest_entropy);
        if bar.height < 3 * LINE_HEIGHT {
            return Ok(());
        }
        let places = [(0.0, bar.height - LINE_HEIGHT), (0.5, (bar.height - LINE_HEIGHT) / 2), (1.0, 0)];
        for (share, y) in places {
            let text = number(share * self.largest_entropy);
            draw_text(canvas, bar.x + bar.width + BAR_GAP, bar.y + y, &text, MUTED);
        }
        Ok(())
    }

    fn draw_legend(&self, canvas: &mut Canvas) {
        for entry in &self.legend {
            let (x, y) = (MARGIN + entry.x, self.legend_top + entry.y);
            let swatch = Rect { x, y: y + (LINE_HEIGHT - SWATCH) / 2, width: SWATCH, height: SWATCH };
            canvas.fill(swatch, class_colour(entry.class));
            draw_text(canvas, x + SWATCH + TEXT_GAP, y, &entry.name, PLAIN);
        }
    }
}

/// Places all classes but the background from left to right, in as many lines as needed; gives
/// the height as well.
fn arrange_legend(class_names: &[String], width: usize) -> (Vec<LegendEntry>, usize) {
    let mut entries = Vec::new();
    let (mut x, mut y) = (0, 0);
    for (class, name) in (0..=u8::MAX).zip(class_names).skip(1) {
        let name = fit_text(name, width.saturating_sub(SWATCH + TEXT_GAP));
        let own = SWATCH + TEXT_GAP + text_width(&name);
        if x > 0 && x + own > width {
            (x, y) = (0, y + LINE_HEIGHT + TEXT_GAP);
        }
        entries.push(LegendEntry { class, name, x, y });
        x += own + 2 * GAP;
    }
    (entries, y + LINE_HEIGHT)
}

fn number(value: f32) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests;
