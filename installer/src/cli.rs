//! The command line's arguments.
#![allow(rustdoc::bare_urls, reason = "clap prints these comments as they are")]

mod change;
mod help;
mod http;
mod serve;
mod since;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, FromArgMatches, Parser, Subcommand, ValueHint};

pub(crate) use self::change::{ChangeArgs, DependencyArgs, InstallArgs};
pub(crate) use self::help::command;
pub(crate) use self::http::HttpArgs;
pub(crate) use self::serve::ServeArgs;
use self::since::parse_since;
use crate::exit;

/// Live notifications for actix-web apps, and for apps in any language beside `sse serve`: save a value under a cache
/// key, and every connected browser receives it as a Server-Sent Event.
#[derive(Parser)]
#[command(name = "sse", version, after_long_help = exit::table(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// Print only data, warnings and errors
    #[arg(short, long, global = true, help_heading = GLOBAL_OPTIONS_HEADING)]
    pub(crate) quiet: bool,

    #[command(flatten, next_help_heading = GLOBAL_OPTIONS_HEADING)]
    pub(crate) color: colorchoice_clap::Color,
}

const GLOBAL_OPTIONS_HEADING: &str = "Global options";

/// Selects the app.
#[derive(Args, Default)]
pub(crate) struct AppArgs {
    /// The app's folder
    ///
    /// By default, under cargo, the package's folder. Otherwise the nearest folder with a .env, from the working
    /// directory upwards; install, uninstall, status and doctor also accept one with a Cargo.toml or a CodeIgniter app.
    /// Otherwise the working directory.
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = GLOBAL_OPTIONS_HEADING)]
    pub(crate) dir: Option<PathBuf>,

    /// The app's Cargo.toml, instead of its folder
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath, conflicts_with = "dir", help_heading = GLOBAL_OPTIONS_HEADING)]
    pub(crate) manifest_path: Option<PathBuf>,

    /// The app's package, in a workspace
    #[arg(short, long, global = true, value_name = "NAME", help_heading = GLOBAL_OPTIONS_HEADING)]
    pub(crate) package: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add live notifications to an actix-web app, a CodeIgniter 4 app, or another app
    ///
    /// Adds three settings to .env. In public/js it creates sse.js, its types for TypeScript and editors, and
    /// sse-client.js for your own listeners. An actix-web app also gets the dependency in Cargo.toml, and
    /// `.configure(actix_web_sse::routes)` directly after its `App::new()`; `sse serve` serves the stream of every other
    /// app. Existing settings, lines and files are kept, and a second run changes nothing. `sse uninstall` restores
    /// the files.
    Install(InstallArgs),

    /// Remove what `sse install` added, and the saved values
    ///
    /// Removes the block in .env, the marked line in Cargo.toml, the call in your code, the folder
    /// .sse in the cache folder, and the scripts. It keeps and lists what you have changed since:
    /// values in the block, your own lines in it, listeners. It also keeps values that are saved in Redis.
    Uninstall(ChangeArgs),

    /// Print what is installed, missing, modified or yours
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },

    /// Find out why events do not arrive
    ///
    /// Examines the app's configuration, pages, code and cache. With a URL it also examines
    /// the stream at that address, through all proxies, as a browser does. It changes nothing, and
    /// saves values only with --save.
    Doctor(DoctorArgs),

    /// Save a value under a cache key, which triggers the key's events
    ///
    /// A value that is valid JSON is saved as JSON, any other as text. A warning is printed if SSE_EVENTS has no
    /// event for the key, or if the text begins like JSON.
    Save(SaveArgs),

    /// Print the newest value saved under a cache key, as JSON
    ///
    /// Exits with 1 if the key has no value: nothing was saved, or the newest value was deleted or
    /// has expired. The value of a drop-in is visible after a server has ingested the file.
    Get(GetArgs),

    /// Delete the value saved under a cache key
    ///
    /// This triggers no event. Events triggered earlier are still delivered, even to clients that
    /// reconnect later. If the key has no value, the command says so and exits with 0: there was nothing to do.
    Delete(DeleteArgs),

    /// End the streams that hold an audience, on every server of this cache
    ///
    /// Their clients connect again, and the app decides again what they may receive. So first end the session or
    /// remove the right in the app, then revoke the audience: nothing that is saved afterwards reaches a stream
    /// that was authorized before. Works without a running server.
    Revoke(RevokeArgs),

    /// Print events as they arrive, until Ctrl-C
    ///
    /// Without a URL it reads the app's cache, from now on, which needs no running server. With
    /// a URL it reads the stream there, which begins with the events of the last few seconds; when the stream
    /// ends, it reconnects and resumes.
    Listen(ListenArgs),

    /// Run a server for an app that is written in any language, such as PHP
    ///
    /// Serves the stream at /sse/stream from the cache that the .env of the app's folder describes, and follows edits of
    /// its settings. Each option can also be set in .env or in the environment, as SSE_LISTEN, SSE_AUTH_URL and so on.
    /// At SIGTERM and Ctrl-C the streams end, and browsers reconnect to the next server.
    Serve(ServeArgs),

    /// Print a shell completion script for this command
    ///
    /// The script runs `sse` at each TAB, so that it completes the app's cache keys and events, too.
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },

    /// Print the manual page, or write one for each command
    Man {
        /// The folder to write all pages into. Without it, the page of sse is printed
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The stream to examine, like localhost:8080 or https://shop.example; /sse/stream is added if
    /// it has no path
    pub(crate) url: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// How long to read the stream
    ///
    /// More than a minute shows whether a proxy cuts off silent streams.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "5", requires = "url")]
    pub(crate) wait: Duration,

    /// Save five values under this cache key, and measure when they arrive
    ///
    /// They are saved in the app of this folder, and every connected client receives them.
    #[arg(long, value_name = "KEY", requires = "url")]
    pub(crate) save: Option<String>,

    /// Check whether pages of this origin, such as `https://app.example`, receive the events
    #[arg(long, value_parser = parse_origin, requires = "url")]
    pub(crate) origin: Option<String>,

    #[command(flatten)]
    pub(crate) http: HttpArgs,
}

#[derive(Args)]
pub(crate) struct SaveArgs {
    /// The cache key: the second part of each pair in SSE_EVENTS
    pub(crate) key: String,

    /// The value; `-` reads it from standard input
    #[arg(default_value = "1", allow_hyphen_values = true)]
    pub(crate) value: String,

    /// Save the value as text, even if it is JSON or begins like it
    #[arg(long)]
    pub(crate) text: bool,

    /// The time to live [default: SSE_TTL]
    ///
    /// For this long, reconnecting clients still receive the value, and `sse get` prints it. 0: until it is swept.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) ttl: Option<Duration>,

    /// Save the value for this audience only, such as user:42; can be repeated [default: everyone]
    ///
    /// A stream receives it if the app has granted it one of the names. A key that is marked as private in SSE_EVENTS
    /// requires this option.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) to: Vec<String>,
}

#[derive(Args)]
pub(crate) struct GetArgs {
    /// The cache key: the second part of each pair in SSE_EVENTS
    pub(crate) key: String,

    /// Print the whole entry as one JSON object: id, key, audiences if it has some, timestamp and value
    #[arg(long)]
    pub(crate) json: bool,

    /// The value that was saved for this audience, alone or with others [default: for everyone]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) to: Option<String>,
}

#[derive(Args)]
pub(crate) struct DeleteArgs {
    /// The cache key: the second part of each pair in SSE_EVENTS
    pub(crate) key: String,

    /// Delete only the value of this audience [default: the values for everyone and for all audiences]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) to: Option<String>,
}

#[derive(Args)]
pub(crate) struct RevokeArgs {
    /// The audience, such as user:42
    #[arg(value_hint = ValueHint::Other)]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct ListenArgs {
    /// The stream to read, like localhost:8080 or https://shop.example; /sse/stream is added if it
    /// has no path
    pub(crate) url: Option<String>,

    /// Print only these events
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) events: Vec<String>,

    /// Ask for this audience, such as order:42; can be repeated
    ///
    /// With a URL, the server must grant the names to this request, see --cookie and --header, or it answers with
    /// 403. Without one, print the values that were saved for everyone or for one of these audiences, as a stream
    /// that holds them; by default all values are printed.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub(crate) to: Vec<String>,

    /// Start from now, without the events of the last few seconds that a server sends first
    #[arg(long, conflicts_with = "since")]
    pub(crate) new: bool,

    /// Also print what was saved since then, as far as the cache still has it
    ///
    /// How long ago, such as 10m or 1h 30m, or a time of RFC 3339, such as 2026-01-31T08:00:00Z. Not for a URL:
    /// a server can be asked only for the events after an id.
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub(crate) since: Option<SystemTime>,

    /// Print one JSON object for each event, on its own line
    #[arg(long)]
    pub(crate) json: bool,

    /// Exit after this many events
    #[arg(long, value_name = "N", value_parser = parse_whole_number)]
    pub(crate) count: Option<u64>,

    /// Exit after this many seconds
    ///
    /// The exit code is 1 if by then --count was not reached or no server was reached.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) http: HttpArgs,
}

/// Parses the command line. Ends the process if it is not valid, or asks for help.
pub(crate) fn parse() -> Cli {
    parse_from(env::args_os()).unwrap_or_else(|error| error.exit())
}

fn parse_from<T: Into<OsString> + Clone>(
    words: impl IntoIterator<Item = T>,
) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(words);
    let matches = matches.map_err(explain_split_value)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command()))
}

/// Adds a tip if a shell has probably split the value of `sse save` at its spaces.
fn explain_split_value(mut error: clap::Error) -> clap::Error {
    let text = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let is_save = text(ContextKind::Usage).contains("sse save");
    let is_option = text(ContextKind::InvalidArg).starts_with('-');
    if error.kind() == ErrorKind::UnknownArgument && is_save && !is_option {
        let tip = "quote a value that has spaces or quotes: sse save KEY 'hello world'";
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

/// Finds the options that select the app in a command line that may be unfinished.
pub(crate) fn app_of_unfinished(words: impl IntoIterator<Item = OsString>) -> AppArgs {
    let matches = command().ignore_errors(true).try_get_matches_from(words);
    let args = matches.and_then(|matches| AppArgs::from_arg_matches(&matches));
    args.unwrap_or_default()
}

fn parse_whole_number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "it must be a whole number, for example 1".to_owned())
}

/// Returns the origin as browsers send it. An address copied from a browser ends with a slash.
fn parse_origin(text: &str) -> Result<String, String> {
    let origin = text.trim_end_matches('/').to_ascii_lowercase();
    match origin.split_once("://") {
        Some((_, host)) if !host.is_empty() && !host.contains('/') => Ok(origin),
        _ => Err("it must be a scheme and a host, for example https://app.example".into()),
    }
}

pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "it must be a number of seconds, for example 60 or 0.5".to_owned())
}

#[cfg(test)]
mod tests;
