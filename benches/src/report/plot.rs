//! Bar charts, one for each comparison.

use std::{io, path::Path};

use plotters::prelude::*;

use super::{Metric, Results, Row};
use crate::servers::ServerKind;

/// Width in pixels, and height without the bars.
const CHART_SIZE: (u32, u32) = (720, 40);
/// Height of a bar in pixels, with the space below it.
const BAR_HEIGHT: u32 = 34;
/// Where the bars start, in pixels, unless a label is longer.
const MIN_BARS_START: i32 = 180;
/// At least the mean width of a character in pixels.
const LABEL_CHARACTER_WIDTH: i32 = 8;
const STARTER_COLOR: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const OTHER_COLOR: RGBColor = RGBColor(0x64, 0x74, 0x8b);
/// Readable on white and on black pages.
const TEXT_COLOR: RGBColor = RGBColor(0x6b, 0x72, 0x80);

pub(super) fn write_all(results: &Results, dir: &Path) -> io::Result<()> {
    for (scenario, metric) in results.columns() {
        if !matches!(
            metric,
            Metric::Cpu | Metric::Memory | Metric::Median | Metric::Lost
        ) {
            continue;
        }
        let rows: Vec<&Row> = results.rows_of(scenario, metric).collect();
        let title = format!("{scenario}: {} in {}", metric.name(), metric.unit());
        let file = dir.join(format!("{}.svg", file_name(&title)));
        draw_bars(&title, &rows, &file).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}

fn file_name(title: &str) -> String {
    let (what, _) = title.rsplit_once(" in ").unwrap_or((title, ""));
    let words = what.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

fn draw_bars(title: &str, rows: &[&Row], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let count = u32::try_from(rows.len())?;
    let area = SVGBackend::new(file, (CHART_SIZE.0, CHART_SIZE.1 + BAR_HEIGHT * count))
        .into_drawing_area();
    let largest = rows.iter().map(|row| row.median()).fold(0.0, f64::max);
    let longest_label = rows.iter().map(|row| row.server.label().len()).max();
    let bars_start = i32::try_from(longest_label.unwrap_or(0))? * LABEL_CHARACTER_WIDTH;
    let bars_start = bars_start.max(MIN_BARS_START);
    let style = ("sans-serif", 15).into_font().color(&TEXT_COLOR);
    area.draw(&Text::new(title.to_owned(), (8, 10), style.clone()))?;
    for (at, row) in (0..).zip(rows) {
        let top = i32::try_from(CHART_SIZE.1 + BAR_HEIGHT * at)?;
        let bottom = top + i32::try_from(BAR_HEIGHT)? - 8;
        // The names are left of the bars, the figures right.
        let (left, right) = (bars_start, 620);
        let share = if largest > 0.0 {
            row.median() / largest
        } else {
            0.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a share of some hundred pixels"
        )]
        let end = left + (f64::from(right - left) * share) as i32;
        let color = if matches!(
            row.server.option(),
            ServerKind::Ours | ServerKind::OursOnRedis
        ) {
            STARTER_COLOR
        } else {
            OTHER_COLOR
        };
        area.draw(&Rectangle::new(
            [(left, top), (end.max(left + 1), bottom)],
            color.filled(),
        ))?;
        let middle = top + 5;
        area.draw(&Text::new(row.server.label(), (8, middle), style.clone()))?;
        let figure = format!("{:.2}", row.median());
        area.draw(&Text::new(figure, (end + 8, middle), style.clone()))?;
    }
    area.present()?;
    Ok(())
}
