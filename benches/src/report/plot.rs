//! Bars, one picture for each thing that is compared.

use std::{io, path::Path};

use plotters::prelude::*;

use super::{Metric, Results, Row};
use crate::servers::Name;

const SIZE: (u32, u32) = (720, 40);
const BAR: u32 = 34;
const OURS: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const OTHERS: RGBColor = RGBColor(0x64, 0x74, 0x8b);
/// Readable on white and on black pages.
const TEXT: RGBColor = RGBColor(0x6b, 0x72, 0x80);

pub(super) fn all(results: &Results, dir: &Path) -> io::Result<()> {
    for (scenario, metric) in results.columns() {
        if !matches!(metric, Metric::Cpu | Metric::Memory | Metric::Median) {
            continue;
        }
        let rows: Vec<&Row> = results.of(scenario, metric).collect();
        let title = format!("{scenario}: {} in {}", metric.name(), metric.unit());
        let file = dir.join(format!("{}.svg", file_name(&title)));
        bars(&title, &rows, &file).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}

fn file_name(title: &str) -> String {
    let (what, _) = title.rsplit_once(" in ").unwrap_or((title, ""));
    let words = what.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

fn bars(title: &str, rows: &[&Row], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let count = u32::try_from(rows.len())?;
    let area = SVGBackend::new(file, (SIZE.0, SIZE.1 + BAR * count)).into_drawing_area();
    let largest = rows.iter().map(|row| row.median()).fold(0.0, f64::max);
    let style = ("sans-serif", 15).into_font().color(&TEXT);
    area.draw(&Text::new(title.to_owned(), (8, 10), style.clone()))?;
    for (at, row) in (0..).zip(rows) {
        let top = i32::try_from(SIZE.1 + BAR * at)?;
        let bottom = top + i32::try_from(BAR)? - 8;
        // Names stand left, figures right of the bars.
        let (left, right) = (140, 620);
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
        let color = if row.server == Name::Ours {
            OURS
        } else {
            OTHERS
        };
        area.draw(&Rectangle::new(
            [(left, top), (end.max(left + 1), bottom)],
            color.filled(),
        ))?;
        let middle = top + 5;
        area.draw(&Text::new(row.server.shown(), (8, middle), style.clone()))?;
        let figure = format!("{:.2}", row.median());
        area.draw(&Text::new(figure, (end + 8, middle), style.clone()))?;
    }
    area.present()?;
    Ok(())
}
