//! Runs the benchmark with small numbers.

#![expect(
    clippy::unwrap_used,
    reason = "a failure of a helper is a failure of the test"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

/// What a run has written.
struct Run {
    _dir: TempDir,
    out: PathBuf,
    table: String,
    figures: Vec<Value>,
}

/// Runs one round, and fails if a delivery is missing or repeated.
fn run(arguments: &[&str]) -> Run {
    // The benchmark expects the measured programs beside its own. Cargo builds only this package's for its tests.
    let bench = Path::new(env!("CARGO_BIN_EXE_sse-bench"));
    for program in [support::starter(), support::sse()] {
        assert_eq!(program.parent(), bench.parent());
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = Command::new(bench)
        .args(["--small", "--rounds", "1", "--dir"])
        .arg(dir.path())
        .arg("--out")
        .arg(&out)
        .args(arguments)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("deliveries instead of"), "{log}");
    assert!(!log.contains("deliveries lost"), "{log}");
    let table = fs::read_to_string(out.join("figures.md")).unwrap();
    let json = fs::read_to_string(out.join("figures.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    Run {
        figures: json["figures"].as_array().unwrap().clone(),
        _dir: dir,
        out,
        table,
    }
}

impl Run {
    fn assert_table_contains(&self, texts: &[&str]) {
        for text in texts {
            let table = &self.table;
            assert!(table.contains(text), "{text} is not in {table}");
        }
    }

    /// The servers for which this figure was measured.
    fn servers(&self, scenario: &str, metric: &str) -> Vec<&str> {
        self.figures
            .iter()
            .filter(|figure| figure["scenario"] == scenario && figure["metric"] == metric)
            .map(|figure| figure["server"].as_str().unwrap())
            .collect()
    }

    fn median(figure: &Value) -> f64 {
        figure["median"].as_f64().unwrap()
    }
}

#[test]
fn a_small_run_writes_figures_and_plots_of_every_server() {
    let mut arguments = vec![];
    for name in ["burst", "latency", "replay", "filter", "private"] {
        arguments.extend(["--only", name]);
    }
    // The servers that need only Rust.
    for server in ["ours", "raw", "axum", "actix-web-lab"] {
        arguments.extend(["--server", server]);
    }
    let run = run(&arguments);
    run.assert_table_contains(&[
        "| raw |",
        "| axum |",
        "| actix-web-lab |",
        "CPU of a reconnect with 10 events",
    ]);
    assert!(run.figures.iter().all(|figure| Run::median(figure) >= 0.0));
    let compared = [
        "raw",
        "actix-web-sse, POST",
        "actix-web-sse, save from another process",
        "actix-web-lab",
        "axum",
    ];
    for scenario in ["one stream", "20 streams, 30 at once"] {
        assert_eq!(run.servers(scenario, "publish to receive, p50"), compared);
    }
    let plot = run.out.join("20-streams-30-at-once-cpu-per-delivery.svg");
    let plot = fs::read_to_string(plot).unwrap();
    assert!(plot.contains("actix-web-sse"), "{plot}");
}

/// It needs redis-server, and Node.js with the packages that `tests/setup` installs.
#[test]
fn a_small_run_on_redis_loses_nothing_and_writes_every_figure() {
    let run = run(&["--only", "redis", "--only", "redis-soak"]);
    run.assert_table_contains(&[
        "**5 streams, Redis killed 1 times: acknowledged events**",
        "| better-sse on Redis |",
        "| actix-web-sse on Redis |",
        "CPU per delivery on Redis beside files, streams: 10",
        "saves on Redis beside `XADD`, 64 threads",
        "10000 saves for 100 audiences, memory of Redis: at the end",
    ]);
    let growth = "one server, 100 streams beside 10, 2 events/s: traffic with Redis";
    let growth = run
        .figures
        .iter()
        .find(|figure| figure["scenario"] == growth);
    let growth = Run::median(growth.unwrap());
    assert!(
        growth < 2.0,
        "the traffic with Redis grows with the streams: {growth}"
    );
    let acknowledged = run
        .figures
        .iter()
        .filter(|figure| figure["metric"] == "acknowledged events");
    let acknowledged: Vec<f64> = acknowledged.map(Run::median).collect();
    assert_eq!(acknowledged.len(), 2);
    assert!(
        acknowledged.iter().all(|count| *count > 100.0),
        "{acknowledged:?}"
    );
}

/// It needs nginx.
#[test]
fn a_small_run_behind_nginx_measures_both_servers() {
    let run = run(&["--only", "nginx"]);
    run.assert_table_contains(&[
        "**50 streams behind nginx, 2 events/s: CPU per delivery**",
        "relative to starter behind nginx |",
        "| starter behind nginx |",
        "| sse serve behind nginx |",
    ]);
    assert_eq!(run.figures.len(), 10);
    assert!(run.figures.iter().all(|figure| Run::median(figure) >= 0.0));
}
