//! JSON for programs, with every value of every round.

use std::io;

use serde_json::{Value, json};

use super::{Results, RunInfo};

pub(super) fn render(results: &Results, info: &RunInfo) -> io::Result<String> {
    let figures: Vec<Value> = results
        .rows
        .iter()
        .map(|row| {
            json!({
                "scenario": row.scenario,
                "server": row.server.label(),
                "metric": row.metric.name(),
                "unit": row.metric.unit(),
                "median": row.median(),
                "values": row.values,
            })
        })
        .collect();
    let document = json!({
        "command": info.command,
        "machine": info.machine,
        "file_system": info.file_system,
        "rounds": info.rounds,
        "commit": info.commit,
        "warnings": results.warnings,
        "figures": figures,
    });
    let mut text = serde_json::to_string_pretty(&document).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}
