//! The `sse` command: installs Server-Sent Events into an actix-web app, takes them
//! out again, saves values and listens.

mod app;
mod cli;
mod commands;
mod dependency;
mod dotenv;
mod env_block;
mod exit;
mod installation;
mod library;
mod listening;
mod manifest;
mod meaning;
mod nearest;
mod plan;
mod record;
mod report;
mod scripts;
mod text;
#[allow(
    dead_code,
    unused_imports,
    reason = "the commands that wire an app come next"
)]
mod wiring;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::report::Report;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code.into(),
        Err(failure) => {
            // With standard error closed there is nobody to tell; the code says enough.
            let _ = writeln!(io::stderr(), "{failure}");
            failure.code().into()
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    let report = Report::new(cli.quiet);
    let dir = cli.dir.as_deref();
    match &cli.command {
        Command::Install(args) => commands::install::run(&app::dir_to_install(dir)?, args, report),
        Command::Uninstall => commands::uninstall::run(&app::dir_to_install(dir)?, report),
        Command::Status(args) => {
            commands::status::run(&app::dir_to_install(dir)?, args.json, report)
        }
        Command::Save(args) => commands::save::run(app::dir_to_use(dir)?, args, report),
        Command::Listen(args) => commands::listen::run(|| app::dir_to_use(dir), args, report),
    }
}
