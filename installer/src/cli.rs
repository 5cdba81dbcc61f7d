//! The command line's arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::editing::env::values;
use crate::editing::manifest::dependency::{self, Git, Reference};
use crate::exit;

/// Server-Sent Events for actix-web apps: save a value, and every listening browser receives an event.
#[derive(Parser)]
#[command(name = "sse", version, after_help = exit::table(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// Print only data, warnings and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,

    #[command(flatten, next_help_heading = GLOBAL)]
    pub(crate) color: colorchoice_clap::Color,
}

const GLOBAL: &str = "Global options";
const DEPENDENCY: &str = "Source of the library";

/// Selects the app.
#[derive(Args, Default)]
pub(crate) struct AppArgs {
    /// The app's folder [default: under cargo, the package's folder; else the nearest parent
    /// folder with a .env (for install, uninstall, status and doctor also with a Cargo.toml); else
    /// the working directory]
    #[arg(short = 'C', global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub(crate) dir: Option<PathBuf>,

    /// The app's Cargo.toml, instead of its folder
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "dir", help_heading = GLOBAL)]
    pub(crate) manifest_path: Option<PathBuf>,

    /// The app's package, in a workspace
    #[arg(short, long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) package: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Install Server-Sent Events into an actix-web app
    ///
    /// Adds the dependency to Cargo.toml, `.configure(actix_web_sse::routes)` behind the app's
    /// `App::new()`, and three keys to .env. Creates in public/js: sse.js, its types for TypeScript
    /// and editors, and sse-client.js, which is yours to edit. Existing keys, lines and files are
    /// kept, and a second run changes nothing. `sse uninstall` restores every byte.
    #[command(after_help = exit::table())]
    Install(InstallArgs),

    /// Remove what `sse install` added, and nothing else
    ///
    /// Removes the block in .env, the marked line in Cargo.toml, the call in your code, the folder
    /// .sse in the cache, and the scripts. Anything you have changed since stays and is listed:
    /// values in the block, your own lines in it, listeners.
    #[command(after_help = exit::table())]
    Uninstall(UninstallArgs),

    /// Print what is installed, missing, modified or yours
    #[command(after_help = exit::table())]
    Status(StatusArgs),

    /// Find out why no event arrives
    ///
    /// Examines the app's configuration, pages, code and cache folder. With a URL it also examines
    /// the stream at that address, as a browser receives it through any proxies. It changes
    /// nothing, and saves values only with --save.
    #[command(after_help = exit::table())]
    Doctor(DoctorArgs),

    /// Save a value under a cache key, which sends the events mapped to that key
    ///
    /// A value that is valid JSON is saved as JSON, any other as text. If SSE_EVENTS maps the key
    /// to no event, a warning is printed.
    #[command(after_help = exit::table())]
    Save(SaveArgs),

    /// Print the newest value saved under a cache key, as JSON
    ///
    /// Exits with 1 if there is none: nothing was saved, or the newest value was deleted or has
    /// expired. A file dropped into the cache folder counts once a server has ingested it.
    #[command(after_help = exit::table())]
    Get(GetArgs),

    /// Delete the value saved under a cache key
    ///
    /// This sends no event and withdraws none: browsers that were away still receive the values
    /// saved before.
    #[command(after_help = exit::table())]
    Delete(DeleteArgs),

    /// Print events as they arrive, until Ctrl-C
    ///
    /// Without a URL it reads the cache on this machine, which needs no running server. With a URL
    /// it reads the stream there; when the stream ends, it reconnects and misses no event.
    #[command(after_help = exit::table())]
    Listen(ListenArgs),

    /// Print a shell completion script for this command
    ///
    /// For bash, for example: sse completions bash > ~/.local/share/bash-completion/completions/sse
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
}

/// The flags of commands that change files.
#[derive(Args, Default)]
pub(crate) struct ChangeArgs {
    /// Print what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print the changes as a diff, and change nothing
    #[arg(long)]
    pub(crate) diff: bool,

    /// Replace or remove files and values that you have changed, without asking
    #[arg(short, long)]
    pub(crate) force: bool,

    /// Answer yes to every question. Without this and without a terminal, the answer is no
    #[arg(short, long)]
    pub(crate) yes: bool,
}

impl ChangeArgs {
    /// Whether the command must not change anything.
    pub(crate) fn only_shows(&self) -> bool {
        self.dry_run || self.diff
    }
}

#[derive(Args, Default)]
pub(crate) struct InstallArgs {
    /// SSE_EVENTS: which event is sent for a value saved under which cache key
    #[arg(long, value_name = "EVENT:KEY,…", value_parser = values::events)]
    pub(crate) events: Option<String>,

    /// SSE_STREAM_DURATION: seconds until the server ends a stream, 0 for never [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = values::duration)]
    pub(crate) duration: Option<String>,

    /// SSE_POLL_INTERVAL: seconds between polls of the cache, in case a notification is missed [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = values::interval)]
    pub(crate) interval: Option<String>,

    #[command(flatten)]
    pub(crate) dependency: DependencyArgs,

    /// Leave .env alone. Its receipt is missing then, so uninstall leaves the created folders
    #[arg(long)]
    pub(crate) no_env: bool,

    /// Leave public/js alone. The library serves its own copy of sse.js
    #[arg(long)]
    pub(crate) no_js: bool,

    /// Write the types sse.d.ts and sse-events.d.ts into public/js even if the app's code serves
    /// the scripts itself
    #[arg(long, conflicts_with = "no_js")]
    pub(crate) types: bool,

    /// Leave Cargo.toml alone
    #[arg(long)]
    pub(crate) no_dep: bool,

    /// Leave the code alone, and print the line to add
    #[arg(long)]
    pub(crate) no_wire: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// The source of the dependency.
#[derive(Args, Default)]
pub(crate) struct DependencyArgs {
    /// A folder with the library [default: the checkout that this command was built from, if any]
    #[arg(long, help_heading = DEPENDENCY, value_name = "DIR", conflicts_with_all = ["dep_version", "dep_git"])]
    pub(crate) dep_path: Option<PathBuf>,

    /// A version from the registry [default: the version of this command, if it was installed
    /// from there]
    #[arg(long, help_heading = DEPENDENCY, value_name = "REQ", conflicts_with = "dep_git", value_parser = dependency::version_requirement)]
    pub(crate) dep_version: Option<String>,

    /// A git repository [default: the one that this command was installed from, if any]
    #[arg(long, help_heading = DEPENDENCY, value_name = "URL", value_parser = dependency::git_address)]
    pub(crate) dep_git: Option<String>,

    /// A branch of the git repository
    #[arg(long, help_heading = DEPENDENCY, value_name = "NAME", requires = "dep_git", conflicts_with_all = ["dep_tag", "dep_rev"])]
    pub(crate) dep_branch: Option<String>,

    /// A tag of the git repository
    #[arg(
        long, help_heading = DEPENDENCY,
        value_name = "NAME",
        requires = "dep_git",
        conflicts_with = "dep_rev"
    )]
    pub(crate) dep_tag: Option<String>,

    /// A commit of the git repository
    #[arg(long, help_heading = DEPENDENCY, value_name = "SHA", requires = "dep_git")]
    pub(crate) dep_rev: Option<String>,
}

impl DependencyArgs {
    /// The git repository that the arguments choose.
    pub(crate) fn git(&self) -> Option<Git> {
        let references = [
            (Reference::Branch, &self.dep_branch),
            (Reference::Tag, &self.dep_tag),
            (Reference::Rev, &self.dep_rev),
        ];
        let mut chosen = references
            .into_iter()
            .filter_map(|(kind, name)| Some((kind, name.clone()?)));
        Some(Git {
            url: self.dep_git.clone()?,
            reference: chosen.next(),
        })
    }
}

#[derive(Args, Default)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The stream to examine, like http://127.0.0.1:8080; /sse/stream is added if it has no path
    pub(crate) url: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// How long to read the stream. More than a minute shows whether a proxy cuts off silent
    /// streams
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5", requires = "url")]
    pub(crate) wait: Duration,

    /// Save five values under this cache key of the app in this folder, and time their arrival.
    /// Every listening page receives them
    #[arg(long, value_name = "KEY", requires = "url")]
    pub(crate) save: Option<String>,
}

#[derive(Args)]
pub(crate) struct SaveArgs {
    /// The cache key, as after the colon in SSE_EVENTS
    pub(crate) key: String,

    /// The value; `-` reads it from standard input
    #[arg(default_value = "1", allow_hyphen_values = true)]
    pub(crate) value: String,

    /// Save the value as text, even if it is JSON
    #[arg(long)]
    pub(crate) text: bool,

    /// How long browsers that were away still receive the value, and `sse get` prints it
    /// [default: SSE_TTL]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct GetArgs {
    /// The cache key, as after the colon in SSE_EVENTS
    pub(crate) key: String,

    /// Print the whole entry as one JSON object: id, key, timestamp and value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DeleteArgs {
    /// The cache key, as after the colon in SSE_EVENTS
    pub(crate) key: String,
}

#[derive(Args)]
pub(crate) struct ListenArgs {
    /// The stream to read, like http://127.0.0.1:8080; /sse/stream is added if it has no path
    pub(crate) url: Option<String>,

    /// Print only these events
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) events: Vec<String>,

    /// Print one JSON object for each event, on a line of its own
    #[arg(long)]
    pub(crate) json: bool,

    /// Exit after this many events
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub(crate) count: Option<u64>,

    /// Exit after this many seconds, with code 1 if --count was not reached by then
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "write a whole number, for example 1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "write seconds, for example 60 or 0.5".to_owned())
}

#[cfg(test)]
mod tests;
