//! A Markdown table for people.

use std::fmt::Write;

use super::{Metric, Results, RunInfo};
use crate::servers::ServerKind;

/// What the others are compared with: the first of these that was measured.
const BASES: [ServerKind; 2] = [ServerKind::Raw, ServerKind::OursBehindNginx];

pub(super) fn render(results: &Results, info: &RunInfo) -> String {
    let mut text = format!(
        "Measured by `{}` on {}; journal on {}; medians of {} rounds, in turn; commit {}.\n",
        info.command, info.machine, info.file_system, info.rounds, info.commit
    );
    for (scenario, metric) in results.columns() {
        if matches!(metric, Metric::Single(_) | Metric::System) {
            continue;
        }
        let base = BASES.into_iter().find(|base| {
            let mut rows = results.rows_of(scenario, metric);
            rows.any(|row| row.server == *base)
        });
        let (ratio_title, ratio_line) = match base {
            Some(base) => (format!(" relative to {} |", base.label()), "---|"),
            None => (String::new(), ""),
        };
        let _ = writeln!(
            text,
            "\n**{scenario}: {}**\n\n| server | {} |{ratio_title} lowest to highest |\n|---|---|{ratio_line}---|",
            metric.name(),
            metric.unit()
        );
        for row in results.rows_of(scenario, metric) {
            let of_kernel = (metric == Metric::Cpu).then(|| {
                let system = results
                    .rows_of(scenario, Metric::System)
                    .find(|other| other.server == row.server);
                system.map_or(String::new(), |row| {
                    format!(" ({:.0} % in the kernel)", row.median())
                })
            });
            let ratio = base.and_then(|base| results.ratio(row, base));
            let ratio = ratio.map_or(String::new(), |ratio| format!(" {ratio:.2} |"));
            let (low, high) = extremes(&row.values);
            let _ = writeln!(
                text,
                "| {} | {}{} |{ratio} {} to {} |",
                row.server.label(),
                number(row.median()),
                of_kernel.unwrap_or_default(),
                number(low),
                number(high)
            );
        }
    }
    write_single_figures(results, &mut text);
    if !results.warnings.is_empty() {
        text.push_str("\nWarnings:\n\n");
        for warning in &results.warnings {
            let _ = writeln!(text, "- {warning}");
        }
    }
    text
}

fn write_single_figures(results: &Results, text: &mut String) {
    let mut rows = results
        .rows
        .iter()
        .filter(|row| matches!(row.metric, Metric::Single(_)))
        .peekable();
    if rows.peek().is_none() {
        return;
    }
    text.push_str(
        "\n**actix-web-sse alone**\n\n| figure | median | lowest to highest |\n|---|---|---|\n",
    );
    for row in rows {
        let (low, high) = extremes(&row.values);
        let _ = writeln!(
            text,
            "| {} | {} {} | {} to {} |",
            row.scenario,
            number(row.median()),
            row.metric.unit(),
            number(low),
            number(high)
        );
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        })
}

/// Rounded to about three significant digits.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
