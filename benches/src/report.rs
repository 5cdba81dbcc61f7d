//! The figures of a run: as a table, as JSON and as plots.

mod json;
mod plot;
mod table;

use std::{fmt::Display, io, path::Path};

use crate::servers::Name;

/// What is measured in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Cpu,
    System,
    Median,
    Slowest,
    Memory,
    Connect,
    Idle,
    /// A figure of our server alone, which its scenario names, and its unit.
    Own(&'static str),
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
            Self::Own(_) => "",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Cpu | Self::Connect => "µs",
            Self::System => "%",
            Self::Median | Self::Slowest => "ms",
            Self::Memory => "KiB",
            Self::Idle => "% of a core",
            Self::Own(unit) => unit,
        }
    }
}

/// All figures of a run, and what has to be said about them.
#[derive(Debug, Default)]
pub(crate) struct Results {
    rows: Vec<Row>,
    warnings: Vec<String>,
}

/// One figure of one server, measured once in each round.
#[derive(Debug)]
struct Row {
    scenario: String,
    server: Name,
    metric: Metric,
    values: Vec<f64>,
}

impl Row {
    fn median(&self) -> f64 {
        median(&self.values)
    }
}

impl Results {
    pub(crate) fn add(&mut self, scenario: impl Display, server: Name, metric: Metric, value: f64) {
        let scenario = scenario.to_string();
        let known = self
            .rows
            .iter_mut()
            .find(|row| row.scenario == scenario && row.server == server && row.metric == metric);
        match known {
            Some(row) => row.values.push(value),
            None => self.rows.push(Row {
                scenario,
                server,
                metric,
                values: vec![value],
            }),
        }
    }

    /// A figure that only our server has.
    pub(crate) fn add_own(&mut self, what: impl Display, unit: &'static str, value: f64) {
        self.add(what, Name::Ours, Metric::Own(unit), value);
    }

    pub(crate) fn warn(&mut self, text: String) {
        eprintln!("warning: {text}");
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Writes `figures.json`, `figures.md` and the plots into `dir`, and prints the table.
    pub(crate) fn publish(&self, about: &About, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let table = table::of(self, about);
        println!("{table}");
        std::fs::write(dir.join("figures.md"), table)?;
        std::fs::write(dir.join("figures.json"), json::of(self, about)?)?;
        plot::all(self, dir)
    }

    fn of(&self, scenario: &str, metric: Metric) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.scenario == scenario && row.metric == metric)
    }

    /// The median of a server beside that of another.
    fn ratio(&self, row: &Row, to: Name) -> Option<f64> {
        let other = self
            .of(&row.scenario, row.metric)
            .find(|other| other.server == to)?;
        Some(row.median() / other.median())
    }

    /// The scenarios and metrics that were measured, in their order.
    fn columns(&self) -> Vec<(&str, Metric)> {
        let mut columns: Vec<(&str, Metric)> = Vec::new();
        for row in &self.rows {
            if !columns.contains(&(&row.scenario, row.metric)) {
                columns.push((&row.scenario, row.metric));
            }
        }
        columns
    }
}

/// Where and how a run was made.
#[derive(Debug)]
pub(crate) struct About {
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
    fn half_of_the_values_lie_on_either_side_of_the_median() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
