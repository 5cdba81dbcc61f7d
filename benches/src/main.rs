//! Measures this project's server beside others, and beside the limit.
//!
//! `benches/run` builds what this needs and starts it. Everything is measured in turn, several
//! times over, so that whatever else happens on the machine happens to all; of each figure the
//! median counts.

mod clients;
mod clock;
mod compare;
mod own;
mod report;
mod servers;
mod system;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};

use self::{
    compare::Scenario,
    own::Own,
    report::{About, Results},
    servers::Name,
};

/// Measures actix-web-sse beside other servers.
#[derive(Parser)]
struct Arguments {
    /// How often everything is measured; medians count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Small numbers that show that everything works; the figures say nothing.
    #[arg(long)]
    small: bool,
    /// Only what has this in its name, such as `burst`, `steady` or `save`; may be repeated.
    #[arg(long)]
    only: Vec<String>,
    /// Only these servers; may be repeated.
    #[arg(long)]
    server: Vec<Name>,
    /// Where the journals are made; its file system matters.
    #[arg(long, default_value = "target")]
    dir: PathBuf,
    /// Where the table, the JSON and the plots are written.
    #[arg(long, default_value = "target/benches")]
    out: PathBuf,
    #[command(subcommand)]
    command: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// Saves values, as one of several processes that do.
    #[command(hide = true)]
    Save { app: PathBuf, saves: usize },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Some(Part::Save { app, saves }) => own::save::run(app, *saves),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let files = system::raise_file_limit()?;
    if files < 16_000 && !arguments.small {
        return Err(io::Error::other(format!(
            "15,000 streams need more than the {files} open files that the system allows; raise \
             `ulimit -Hn`, or take --small"
        )));
    }
    let mut results = Results::default();
    for round in 1..=arguments.rounds {
        for scenario in scenarios(arguments) {
            for server in scenario.servers() {
                if !arguments.server.is_empty() && !arguments.server.contains(&server) {
                    continue;
                }
                eprintln!("round {round}: {scenario}, {}", server.shown());
                let dir = tempfile::tempdir_in(&arguments.dir)?;
                scenario.measure(server, dir.path(), &mut results)?;
            }
        }
        for own in Own::ALL {
            if is_wanted(arguments, own.name()) {
                eprintln!("round {round}: {}", own.name());
                let dir = tempfile::tempdir_in(&arguments.dir)?;
                own.measure(arguments.small, dir.path(), &mut results)?;
            }
        }
    }
    results.publish(&about(arguments)?, &arguments.out)
}

fn scenarios(arguments: &Arguments) -> Vec<Scenario> {
    let all = if arguments.small {
        Scenario::SMALL.to_vec()
    } else {
        Scenario::ALL.to_vec()
    };
    all.into_iter()
        .filter(|scenario| is_wanted(arguments, &format!("{scenario:?}").to_lowercase()))
        .collect()
}

fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    arguments.only.is_empty()
        || arguments
            .only
            .iter()
            .any(|part| name.contains(part.as_str()))
}

fn about(arguments: &Arguments) -> io::Result<About> {
    let words = std::env::args().skip(1).map(|word| {
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word
        }
    });
    Ok(About {
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

/// What was measured; unknown outside a checkout.
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
