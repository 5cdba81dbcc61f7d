//! The command line, and nothing behind it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::dependency;
use crate::exit;

/// Server-Sent Events for actix-web apps: save a value, and every browser that listens gets an event.
#[derive(Parser)]
#[command(name = "sse", version, after_help = exit::table(), max_term_width = 100)]
pub(crate) struct Cli {
    /// The app's folder [default: under cargo the package's, else the nearest one upwards that has
    /// a .env (for install, uninstall and status a Cargo.toml will do), else the working directory]
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Say nothing but warnings and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Put Server-Sent Events into an actix-web app
    ///
    /// Adds the dependency to Cargo.toml, three keys to .env, and public/js/sse.js with
    /// public/js/sse-client.js, which is yours from then on. What is there already is kept, and
    /// a second run changes nothing. `sse uninstall` gives back every byte.
    #[command(after_help = exit::table())]
    Install(InstallArgs),

    /// Take out what `sse install` put in, and nothing else
    ///
    /// Removes the block from .env, the line from Cargo.toml that carries the mark of
    /// `sse install`, and the scripts unless you have edited them. Your own SSE_ keys stay.
    #[command(after_help = exit::table())]
    Uninstall,

    /// Say what is installed, missing, modified or yours
    #[command(after_help = exit::table())]
    Status(StatusArgs),

    /// Save a value under a cache key, which fires the events that listen to it
    ///
    /// The value is read as JSON if it is JSON, else as text. A warning tells when no event
    /// in SSE_EVENTS listens to the key.
    #[command(after_help = exit::table(), allow_negative_numbers = true)]
    Save(SaveArgs),

    /// Print events as they come, until Ctrl-C
    ///
    /// Without a URL it reads the cache on this machine, and no server need run. With one it
    /// reads the stream there, and comes back to where it was when the stream ends.
    #[command(after_help = exit::table())]
    Listen(ListenArgs),
}

#[derive(Args)]
pub(crate) struct InstallArgs {
    /// Depend on the library in this folder [default: the checkout that this command was built
    /// from, if it was]
    #[arg(long, value_name = "DIR", conflicts_with = "dep_version")]
    pub(crate) dep_path: Option<PathBuf>,

    /// Depend on this version of the library from the registry [default: the version of this
    /// command, if it was installed from there]
    #[arg(long, value_name = "REQ", value_parser = dependency::version_requirement)]
    pub(crate) dep_version: Option<String>,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct SaveArgs {
    /// The cache key, as it stands behind the colon in SSE_EVENTS
    pub(crate) key: String,

    /// The value; `-` reads it from standard input
    #[arg(default_value = "1")]
    pub(crate) value: String,

    /// Save the value as text, even if it is JSON
    #[arg(long)]
    pub(crate) text: bool,

    /// How long the value is replayed to browsers that were away [default: SSE_TTL]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct ListenArgs {
    /// The stream to listen to, like http://127.0.0.1:8080; /sse/stream is added if it has no path
    pub(crate) url: Option<String>,

    /// Only these events
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) events: Vec<String>,

    /// Print one JSON object for each event, on a line of its own
    #[arg(long)]
    pub(crate) json: bool,

    /// End after so many events
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) count: Option<u64>,

    /// End after so many seconds, with exit code 1 if --count was not reached by then
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "write a whole number, for example 1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "write seconds, for example 60 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_may_be_negative_or_standard_input() {
        for value in ["-5", "-"] {
            let cli = Cli::try_parse_from(["sse", "save", "k", value]).expect("it parses");
            let Command::Save(args) = cli.command else {
                panic!("another command")
            };
            assert_eq!(args.value, value);
        }
    }

    #[test]
    fn a_number_is_whole() {
        assert_eq!(number("3"), Ok(3));
        for wrong in ["", "x", "1.5", "-1"] {
            assert!(
                number(wrong).is_err_and(|why| why.contains("whole number")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn seconds_may_have_fractions() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "-1", "NaN", "1e99", "5s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
