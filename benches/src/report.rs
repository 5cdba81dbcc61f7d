//! The figures of a run: as a table, as JSON and as plots.

mod json;
mod plot;
mod table;

use std::{fmt::Display, io, path::Path};

use crate::servers::ServerKind;

/// A measured quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Cpu,
    System,
    Median,
    Slowest,
    Memory,
    Connect,
    Idle,
    /// How many times more CPU an event needs with many users.
    Growth,
    /// Events that the publisher was told are published.
    Acknowledged,
    /// Events that the publisher got an error for.
    Refused,
    /// Acknowledged events that a stream never received, per stream.
    Lost,
    Repeated,
    /// Events `sse.gap`, per stream.
    Gaps,
    /// A figure of this project's server alone: its unit. The scenario is its name.
    Single(&'static str),
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU per delivery",
            Self::System => "of it in the kernel",
            Self::Median => "publish to receive, p50",
            Self::Slowest => "publish to receive, p99",
            Self::Memory => "memory per stream",
            Self::Connect => "CPU per connect",
            Self::Idle => "idle CPU",
            Self::Growth => "CPU per delivery, many beside few",
            Self::Acknowledged => "acknowledged events",
            Self::Refused => "events refused with an error",
            Self::Lost => "acknowledged events that a stream never received",
            Self::Repeated => "events that a stream received again",
            Self::Gaps => "events `sse.gap` that a stream received",
            Self::Single(_) => "",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Cpu | Self::Connect => "µs",
            Self::System => "%",
            Self::Median | Self::Slowest => "ms",
            Self::Memory => "KiB",
            Self::Idle => "% of a core",
            Self::Growth => "times",
            Self::Acknowledged | Self::Refused => "events",
            Self::Lost | Self::Repeated | Self::Gaps => "events per stream",
            Self::Single(unit) => unit,
        }
    }
}

/// All figures of a run, and warnings about them.
#[derive(Debug, Default)]
pub(crate) struct Results {
    rows: Vec<Row>,
    warnings: Vec<String>,
}

/// One figure of one server, measured once in each round.
#[derive(Debug)]
struct Row {
    scenario: String,
    server: ServerKind,
    metric: Metric,
    values: Vec<f64>,
}

impl Row {
    fn median(&self) -> f64 {
        median(&self.values)
    }
}

impl Results {
    pub(crate) fn add(
        &mut self,
        scenario: impl Display,
        server: ServerKind,
        metric: Metric,
        value: f64,
    ) {
        let scenario = scenario.to_string();
        let existing = self
            .rows
            .iter_mut()
            .find(|row| row.scenario == scenario && row.server == server && row.metric == metric);
        match existing {
            Some(row) => row.values.push(value),
            None => self.rows.push(Row {
                scenario,
                server,
                metric,
                values: vec![value],
            }),
        }
    }

    /// Adds a figure of this project's server alone.
    pub(crate) fn add_single(&mut self, name: impl Display, unit: &'static str, value: f64) {
        self.add(name, ServerKind::Ours, Metric::Single(unit), value);
    }

    pub(crate) fn warn(&mut self, text: String) {
        eprintln!("warning: {text}");
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Writes `figures.json`, `figures.md` and the plots into `dir`, and prints the table.
    pub(crate) fn write(&self, info: &RunInfo, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let table = table::render(self, info);
        println!("{table}");
        std::fs::write(dir.join("figures.md"), table)?;
        std::fs::write(dir.join("figures.json"), json::render(self, info)?)?;
        plot::write_all(self, dir)
    }

    fn rows_of(&self, scenario: &str, metric: Metric) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.scenario == scenario && row.metric == metric)
    }

    /// The median of the row, divided by that of another server.
    fn ratio(&self, row: &Row, base: ServerKind) -> Option<f64> {
        let other = self
            .rows_of(&row.scenario, row.metric)
            .find(|other| other.server == base)?;
        Some(row.median() / other.median())
    }

    /// The measured scenarios and metrics, in their order.
    pub(crate) fn columns(&self) -> Vec<(&str, Metric)> {
        let mut columns: Vec<(&str, Metric)> = Vec::new();
        for row in &self.rows {
            if !columns.contains(&(&row.scenario, row.metric)) {
                columns.push((&row.scenario, row.metric));
            }
        }
        columns
    }
}

/// Where and how the figures were measured.
#[derive(Debug)]
pub(crate) struct RunInfo {
    pub(crate) command: String,
    pub(crate) machine: String,
    pub(crate) file_system: String,
    pub(crate) rounds: usize,
    pub(crate) commit: String,
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn half_of_the_values_are_on_either_side_of_the_median() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
