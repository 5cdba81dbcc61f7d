//! Completion in shells. The scripts of `sse completions` run `sse` at each TAB, which prints what can follow.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};

use actix_web_sse::{Config, Events};
use clap::{Arg, ArgAction, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use crate::app::folder;
use crate::cli;

/// Set by the scripts. The underscore keeps it apart from the settings, which begin with `SSE_`.
const SHELL_VARIABLE: &str = "_SSE_COMPLETE";

const PROGRAM: &str = "sse";

/// If a script has started this process, prints what can follow, and ends the process.
pub(crate) fn answer_shell() {
    CompleteEnv::with_factory(command)
        .var(SHELL_VARIABLE)
        .complete();
}

/// Writes the script, which finds `sse` in the PATH.
pub(crate) fn write_script(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string());
    let completer = completer.ok_or(io::ErrorKind::Unsupported)?;
    completer.write_registration(SHELL_VARIABLE, PROGRAM, PROGRAM, PROGRAM, out)
}

fn command() -> Command {
    let command = cli::command().disable_version_flag(true);
    let version = Arg::new("version").long("version").short('V');
    let command = command.arg(version.action(ArgAction::Version));
    with_hidden_options(command).mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        with_hidden_options(command).mut_args(|arg| with_names_of_app(&name, arg))
    })
}

/// Hidden options are offered only where nothing else can follow, and after a dash.
fn with_hidden_options(command: Command) -> Command {
    let help = Arg::new("help").long("help").short('h');
    let command = command.disable_help_flag(true);
    command.arg(help.action(ArgAction::Help)).mut_args(|arg| {
        let is_option = arg.get_long().is_some() || arg.get_short().is_some();
        if is_option { arg.hide(true) } else { arg }
    })
}

/// Adds the app's cache keys or events to the arguments that have them as values.
fn with_names_of_app(subcommand: &str, arg: Arg) -> Arg {
    let candidates = match (subcommand, arg.get_id().as_str()) {
        ("save" | "get" | "delete", "key") | ("doctor", "save") => keys,
        ("listen", "events") => events,
        _ => return arg,
    };
    arg.add(ArgValueCandidates::new(candidates))
}

/// The cache keys of the app, with their events.
fn keys() -> Vec<CompletionCandidate> {
    let events = app_events().unwrap_or_default();
    let candidate = |key| {
        let names: Vec<&str> = events.of_key(key).collect();
        let private = if events.is_private(key) {
            "private, "
        } else {
            ""
        };
        let help = format!("{private}triggers {}", names.join(", "));
        CompletionCandidate::new(key).help(Some(help.into()))
    };
    let keys = events.keys().filter(|key| is_plain_word(key));
    keys.map(candidate).collect()
}

/// The events of the app, with their cache keys.
fn events() -> Vec<CompletionCandidate> {
    let events = app_events().unwrap_or_default();
    let candidate = |name| {
        let keys = events.iter().filter(|(event, _)| *event == name);
        let keys: Vec<&str> = keys.map(|(_, key)| key).collect();
        CompletionCandidate::new(name).help(Some(format!("of {}", keys.join(", ")).into()))
    };
    let names = events.names().filter(|name| is_plain_word(name));
    names.map(candidate).collect()
}

/// Whether a shell takes the word as it stands. bash does not quote what it completes, and runs a `$(…)` in it:
/// the `.env` may be from a repository of somebody else.
fn is_plain_word(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
    word.chars().all(is_plain)
}

/// The events of the app that the unfinished command line selects. `None` if they are not known at once.
fn app_events() -> Option<Events> {
    let words = env::args_os().skip_while(|word| word != OsStr::new("--"));
    let app = folder::app_folder(&cli::app_of_unfinished(words.skip(1))).ok()?;
    // A program behind a named pipe may ask its user before it writes.
    let metadata = fs::metadata(app.join(".env"));
    let is_at_hand = metadata.map_or(true, |metadata| metadata.is_file());
    let config = is_at_hand.then(|| Config::from_dir(app))?;
    Some(config.ok()?.events().clone())
}
