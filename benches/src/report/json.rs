//! JSON for programs: every value of every round.

use std::io;

use serde_json::{Value, json};

use super::{About, Results};

pub(super) fn of(results: &Results, about: &About) -> io::Result<String> {
    let figures: Vec<Value> = results
        .rows
        .iter()
        .map(|row| {
            json!({
                "scenario": row.scenario,
                "server": row.server.shown(),
                "metric": row.metric.name(),
                "unit": row.metric.unit(),
                "median": row.median(),
                "values": row.values,
            })
        })
        .collect();
    let document = json!({
        "command": about.command,
        "machine": about.machine,
        "file_system": about.file_system,
        "rounds": about.rounds,
        "commit": about.commit,
        "warnings": results.warnings,
        "figures": figures,
    });
    let mut text = serde_json::to_string_pretty(&document).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}
