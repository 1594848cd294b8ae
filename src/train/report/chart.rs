//! Curves as SVG text.

use crate::error::{Error, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One line of a chart.
pub struct Curve {
    /// Name in the legend.
    pub name: String,
    /// Places and values; what is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// Colour.
    pub colour: [u8; 3],
    /// Drawn thinner, for what stands beside another curve.
    pub thin: bool,
}

/// Colours that are told apart by everybody (Okabe & Ito 2008), without the yellow that white swallows.
pub const COLOURS: [[u8; 3]; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [86, 180, 233],
    [230, 159, 0],
    [80, 80, 80],
];

const SIZE: (u32, u32) = (560, 300);

/// A chart over epochs, without its legend. `None` where there is nothing to draw.
pub fn draw(curves: &[Curve], from_zero_to_one: bool, logarithmic: bool) -> Result<Option<String>> {
    let usable = |&(_, value): &(f64, f64)| value.is_finite() && (!logarithmic || value > 0.0);
    let place = |value: f64| if logarithmic { value.log10() } else { value };
    let points: Vec<(f64, f64)> =
        curves.iter().flat_map(|curve| curve.points.iter().copied().filter(usable)).collect();
    if points.is_empty() {
        return Ok(None);
    }
    let bound = |pick: fn(&(f64, f64)) -> f64, fold: fn(f64, f64) -> f64, start: f64| {
        points.iter().map(pick).fold(start, fold)
    };
    let (left, right) = (bound(|p| p.0, f64::min, f64::INFINITY), bound(|p| p.0, f64::max, 0.0));
    let low = place(bound(|p| p.1, f64::min, f64::INFINITY));
    let high = place(bound(|p| p.1, f64::max, f64::NEG_INFINITY));
    let (low, high) = if from_zero_to_one {
        (0.0, 1.0)
    } else {
        let room = ((high - low) * 0.05).max(high.abs() * 0.01).max(1e-12);
        (low - room, high + room)
    };
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("a chart: {error}"));
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(58)
            .build_cartesian_2d(left..right.max(left + 1.0), low..high)
            .map_err(|error| failed(&error))?;
        let grey = RGBColor(110, 110, 110);
        let style = ("sans-serif", 13).into_font().color(&grey);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(200, 200, 200).mix(0.5))
            .axis_style(RGBColor(150, 150, 150))
            .x_desc("epoch")
            .x_labels(((right - left) as usize + 1).clamp(2, 8))
            .y_labels(6)
            // Between two epochs there is none.
            .x_label_formatter(&|epoch| {
                if (epoch - epoch.round()).abs() < 1e-6 { format!("{epoch:.0}") } else { String::new() }
            })
            .y_label_formatter(&|value| label(if logarithmic { 10f64.powf(*value) } else { *value }))
            .label_style(style.clone())
            .axis_desc_style(style.pos(Pos::new(HPos::Center, VPos::Center)))
            .draw()
            .map_err(|error| failed(&error))?;
        for curve in curves {
            let [red, green, blue] = curve.colour;
            let style = RGBColor(red, green, blue).stroke_width(if curve.thin { 1 } else { 2 });
            for run in curve.points.split(|point| !usable(point)).filter(|run| !run.is_empty()) {
                let placed: Vec<(f64, f64)> = run.iter().map(|&(x, y)| (x, place(y))).collect();
                if let [point] = placed[..] {
                    chart
                        .draw_series([Circle::new(point, 3, style.filled())])
                        .map_err(|error| failed(&error))?;
                } else {
                    chart.draw_series(LineSeries::new(placed, style)).map_err(|error| failed(&error))?;
                }
            }
        }
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(Some(text))
}

fn label(value: f64) -> String {
    if value == 0.0 || (0.01..10_000.0).contains(&value.abs()) {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}")
    }
}
