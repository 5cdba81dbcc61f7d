//! The `sse` command installs Server-Sent Events into an actix-web app and removes them
//! again, saves, prints and deletes values, prints events, and finds out why none arrive.

mod app;
mod cli;
mod commands;
mod completion;
mod doctor;
mod editing;
mod exit;
mod http;
mod listen;
mod nearest;
mod output;
mod prompt;
mod serve;
mod sources;

use std::process::ExitCode;

use crate::app::folder;
use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    completion::answer_shell();
    let cli = cli::parse();
    cli.color.write_global();
    match run(&cli) {
        Ok(code) => code.into(),
        Err(failure) => {
            output::print_failure(&failure);
            failure.code().into()
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    let output = Output::new(cli.quiet);
    let installation_folder = || folder::installation_folder(&cli.app);
    let app_folder = || folder::app_folder(&cli.app);
    match &cli.command {
        Command::Install(args) => commands::install::run(&installation_folder()?, args, output),
        Command::Uninstall(args) => commands::uninstall::run(&installation_folder()?, args, output),
        Command::Status { json } => commands::status::run(&installation_folder()?, *json, output),
        Command::Doctor(args) => commands::doctor::run(&installation_folder()?, args, output),
        Command::Save(args) => commands::save::run(app_folder()?, args, output),
        Command::Get(args) => commands::get::run(app_folder()?, args, output),
        Command::Delete(args) => commands::delete::run(app_folder()?, args, output),
        Command::Revoke(args) => commands::revoke::run(app_folder()?, args, output),
        Command::Listen(args) => commands::listen::run(app_folder, args, output),
        Command::Serve(args) => serve::run(&app_folder()?, args, output),
        Command::Completions { shell } => commands::completions::run(*shell, output),
        Command::Man { folder } => commands::man::run(folder.as_deref(), output),
    }
}
