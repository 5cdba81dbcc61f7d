//! The `sse` command: installs Server-Sent Events into an actix-web app, takes them
//! out again, saves, prints and deletes values, and listens.

mod app;
mod cache_folder;
mod cli;
mod code;
mod commands;
mod consent;
mod dependency;
mod diff;
mod doctor;
mod dotenv;
mod env_block;
mod exit;
mod installation;
mod library;
mod listen;
mod listeners;
mod manifest;
mod meaning;
mod members;
mod nearest;
mod plan;
mod record;
mod report;
mod scripts;
mod text;
mod types;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::report::Report;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.write_global();
    match run(&cli) {
        Ok(code) => code.into(),
        Err(failure) => {
            report::fail(&failure);
            failure.code().into()
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    let report = Report::new(cli.quiet);
    let to_install = || app::dir_to_install(&cli.app);
    let to_use = || app::dir_to_use(&cli.app);
    match &cli.command {
        Command::Install(args) => commands::install::run(&to_install()?, args, report),
        Command::Uninstall(args) => commands::uninstall::run(&to_install()?, &args.change, report),
        Command::Status(args) => commands::status::run(&to_install()?, args.json, report),
        Command::Doctor(args) => commands::doctor::run(&to_install()?, args, report),
        Command::Save(args) => commands::save::run(to_use()?, args, report),
        Command::Get(args) => commands::get::run(to_use()?, args, report),
        Command::Delete(args) => commands::delete::run(to_use()?, args, report),
        Command::Listen(args) => commands::listen::run(to_use, args, report),
        Command::Completions { shell } => commands::completions::run(*shell, report),
    }
}
