//! Runs the benchmark with small numbers and the servers that need only Rust.

use std::{fs, path::Path, process::Command};

#[test]
fn a_small_run_writes_figures_and_plots_of_every_server() {
    let bench = Path::new(env!("CARGO_BIN_EXE_sse-bench"));
    let starter = bench.with_file_name("sse-starter");
    assert!(
        starter.is_file(),
        "{} is not built: test the whole workspace",
        starter.display()
    );
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut command = Command::new(bench);
    command.args(["--small", "--rounds", "1", "--only", "burst"]);
    for server in ["ours", "raw", "axum", "actix-web-lab"] {
        command.args(["--server", server]);
    }
    let output = command
        .args([
            "--only", "replay", "--only", "filter", "--only", "private", "--dir",
        ])
        .arg(dir.path())
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    // A warning would report missing or repeated deliveries.
    assert!(!log.contains("deliveries instead of"), "{log}");

    let table = fs::read_to_string(out.join("figures.md")).unwrap();
    for text in [
        "| raw |",
        "| actix-web-sse |",
        "| axum |",
        "| actix-web-lab |",
    ] {
        assert!(table.contains(text), "{text} is not in {table}");
    }
    assert!(
        table.contains("CPU of a reconnect with 10 events"),
        "{table}"
    );
    let json = fs::read_to_string(out.join("figures.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let figures = json["figures"].as_array().unwrap();
    assert!(
        figures
            .iter()
            .all(|figure| figure["median"].as_f64().unwrap() >= 0.0)
    );
    let plot = out.join("20-streams-30-at-once-cpu-per-delivery.svg");
    let plot = fs::read_to_string(plot).unwrap();
    assert!(plot.contains("actix-web-sse"), "{plot}");
}
