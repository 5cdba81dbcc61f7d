//! Compares this project's server with others, and with the limit.
//!
//! `benches/run` builds all programs and starts this one. All servers are measured in turn, in several
//! rounds, so that other load on the machine affects all of them. Each figure is the median of its
//! rounds.

mod clients;
mod clock;
mod compare;
mod report;
mod servers;
mod starter_alone;
mod system;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};

use self::{
    compare::Scenario,
    report::{Results, RunInfo},
    servers::ServerKind,
    starter_alone::StarterMeasurement,
};

/// Compares actix-web-sse with other servers.
#[derive(Parser)]
struct Arguments {
    /// How often everything is measured; each figure is the median
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure with small numbers, to test the benchmark: the figures mean nothing
    #[arg(long)]
    small: bool,
    /// Only measurements with this text in their name, such as `burst`, `steady`, `save` or `redis`; may
    /// be repeated. `redis-soak`, which takes minutes, is measured only if this is its whole name
    #[arg(long)]
    only: Vec<String>,
    /// Only these servers; may be repeated
    #[arg(long)]
    server: Vec<ServerKind>,
    /// The folder for the journals, whose file system affects the figures
    #[arg(long, default_value = "target")]
    dir: PathBuf,
    /// The folder for the table, the JSON and the plots
    #[arg(long, default_value = "target/benches")]
    out: PathBuf,
    #[command(subcommand)]
    command: Option<Helper>,
}

#[derive(Subcommand)]
enum Helper {
    /// Saves values, as one of several processes
    #[command(hide = true)]
    Save { app: PathBuf, saves: usize },
}

/// For 15,000 streams, and what the server opens beside them.
const MIN_OPEN_FILES: u64 = 16_000;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Helper::Save { app, saves }) => starter_alone::save::run(app, *saves),
        None => run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let files = system::raise_file_limit()?;
    if files < MIN_OPEN_FILES && !arguments.small {
        return Err(io::Error::other(format!(
            "15,000 streams need more open files than the {files} that the system allows: raise \
             `ulimit -Hn`, or use --small"
        )));
    }
    let mut results = Results::default();
    for round in 1..=arguments.rounds {
        eprintln!("round {round}");
        for scenario in scenarios(arguments) {
            let mut servers = scenario.servers();
            servers.retain(|server| {
                arguments.server.is_empty() || arguments.server.contains(&server.option())
            });
            if !servers.is_empty() {
                scenario.measure(&servers, &arguments.dir, &mut results)?;
            }
        }
        for measurement in StarterMeasurement::ALL {
            let name = measurement.name();
            let is_named = arguments.only.iter().any(|part| part == name);
            if is_named || !measurement.is_slow() && is_selected(arguments, name) {
                eprintln!("  {name}");
                let dir = tempfile::tempdir_in(&arguments.dir)?;
                measurement.measure(arguments.small, dir.path(), &mut results)?;
            }
        }
    }
    if results.columns().is_empty() {
        return Err(io::Error::other(
            "no measurement has a name with one of the texts of --only, or none is for the servers of --server",
        ));
    }
    results.write(&run_info(arguments)?, &arguments.out)
}

fn scenarios(arguments: &Arguments) -> Vec<Scenario> {
    let all = if arguments.small {
        Scenario::SMALL.to_vec()
    } else {
        Scenario::ALL.to_vec()
    };
    all.into_iter()
        .filter(|scenario| is_selected(arguments, &format!("{scenario:?}").to_lowercase()))
        .collect()
}

fn is_selected(arguments: &Arguments, name: &str) -> bool {
    arguments.only.is_empty()
        || arguments
            .only
            .iter()
            .any(|part| name.contains(part.as_str()))
}

fn run_info(arguments: &Arguments) -> io::Result<RunInfo> {
    let words = std::env::args().skip(1).map(|word| {
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word
        }
    });
    Ok(RunInfo {
        command: std::iter::once("benches/run".to_owned())
            .chain(words)
            .collect::<Vec<_>>()
            .join(" "),
        machine: system::machine(),
        file_system: system::file_system(Path::new(&arguments.dir))?,
        rounds: arguments.rounds,
        commit: commit(),
    })
}

/// The measured commit; "unknown" outside a checkout.
fn commit() -> String {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output();
    output
        .ok()
        .filter(|output| output.status.success())
        .map_or("unknown".to_owned(), |output| {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        })
}
