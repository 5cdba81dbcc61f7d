//! The command line, and nothing behind it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::editing::env::values;
use crate::editing::manifest::dependency::{self, Git, Reference};
use crate::exit;

/// Server-Sent Events for actix-web apps: save a value, and every browser that listens gets an event.
#[derive(Parser)]
#[command(name = "sse", version, after_help = exit::table(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) app: AppArgs,

    /// Say nothing but warnings and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,

    #[command(flatten, next_help_heading = GLOBAL)]
    pub(crate) color: colorchoice_clap::Color,
}

/// Headings in the help.
const GLOBAL: &str = "Global options";
const DEPENDENCY: &str = "Where the library is from";

/// Which app is meant.
#[derive(Args, Default)]
pub(crate) struct AppArgs {
    /// The app's folder [default: under cargo the package's, else the nearest one upwards that has
    /// a .env (for install, uninstall, status and doctor a Cargo.toml will do), else the working
    /// directory]
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
    /// Put Server-Sent Events into an actix-web app
    ///
    /// Adds the dependency to Cargo.toml, `.configure(actix_web_sse::routes)` to the app's one
    /// `App::new()`, three keys to .env, and to public/js sse.js with its types for TypeScript and
    /// editors, and sse-client.js, which is yours from then on. What is there already is kept, and
    /// a second run changes nothing. `sse uninstall` gives back every byte.
    #[command(after_help = exit::table())]
    Install(InstallArgs),

    /// Take out what `sse install` put in, and nothing else
    ///
    /// Removes the block from .env, the line from Cargo.toml that carries the mark of
    /// `sse install`, its call in your code, the cache's own folder .sse, and the scripts. What you
    /// have changed since stays, and is named: values in the block, lines of yours in it, listeners.
    #[command(after_help = exit::table())]
    Uninstall(UninstallArgs),

    /// Say what is installed, missing, modified or yours
    #[command(after_help = exit::table())]
    Status(StatusArgs),

    /// Say why no event arrives
    ///
    /// Examines the app's configuration, pages, code and cache folder, and with a URL the stream
    /// there, as browsers get it through whatever stands in between. It changes nothing, and saves
    /// nothing unless --save says so.
    #[command(after_help = exit::table())]
    Doctor(DoctorArgs),

    /// Save a value under a cache key, which fires the events that listen to it
    ///
    /// The value is read as JSON if it is JSON, else as text. A warning tells when no event
    /// in SSE_EVENTS listens to the key.
    #[command(after_help = exit::table())]
    Save(SaveArgs),

    /// Print the newest value saved under a cache key, as JSON
    ///
    /// Ends with 1 where there is none: nothing was saved, or what was saved last is deleted or has
    /// outlived its time. A file that was dropped into the cache folder counts when a server has
    /// taken it.
    #[command(after_help = exit::table())]
    Get(GetArgs),

    /// Delete the value saved under a cache key
    ///
    /// It fires no event, and takes back none: browsers that were away still get what was saved
    /// before.
    #[command(after_help = exit::table())]
    Delete(DeleteArgs),

    /// Print events as they come, until Ctrl-C
    ///
    /// Without a URL it reads the cache on this machine, and no server need run. With one it
    /// reads the stream there, and comes back to where it was when the stream ends.
    #[command(after_help = exit::table())]
    Listen(ListenArgs),

    /// Print a script that completes this command in a shell
    ///
    /// For bash, for example: sse completions bash > ~/.local/share/bash-completion/completions/sse
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What is common to commands that change files.
#[derive(Args, Default)]
pub(crate) struct ChangeArgs {
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print what would be changed as a diff, and change nothing
    #[arg(long)]
    pub(crate) diff: bool,

    /// Replace or remove what you have changed, too, without asking
    #[arg(short, long)]
    pub(crate) force: bool,

    /// Answer every question with yes; without a terminal nothing is asked, and the answer is no
    #[arg(short, long)]
    pub(crate) yes: bool,
}

impl ChangeArgs {
    /// Whether nothing is to be changed.
    pub(crate) fn only_shows(&self) -> bool {
        self.dry_run || self.diff
    }
}

#[derive(Args, Default)]
pub(crate) struct InstallArgs {
    /// SSE_EVENTS: which event is fired by a save under which cache key
    #[arg(long, value_name = "EVENT:KEY,…", value_parser = values::events)]
    pub(crate) events: Option<String>,

    /// SSE_STREAM_DURATION: seconds until the server ends a stream; 0: never [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = values::duration)]
    pub(crate) duration: Option<String>,

    /// SSE_POLL_INTERVAL: seconds between looks at the cache that need no notification [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = values::interval)]
    pub(crate) interval: Option<String>,

    #[command(flatten)]
    pub(crate) dependency: DependencyArgs,

    /// Leave .env alone; without its record, uninstall leaves the folders that install made
    #[arg(long)]
    pub(crate) no_env: bool,

    /// Leave public/js alone; the library serves its own copy of sse.js
    #[arg(long)]
    pub(crate) no_js: bool,

    /// Write the types into public/js, sse.d.ts and sse-events.d.ts, also where the app's code
    /// serves the scripts itself
    #[arg(long, conflicts_with = "no_js")]
    pub(crate) types: bool,

    /// Leave Cargo.toml alone
    #[arg(long)]
    pub(crate) no_dep: bool,

    /// Leave the code alone, and print the line that belongs there
    #[arg(long)]
    pub(crate) no_wire: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Where the app is to get the library from.
#[derive(Args, Default)]
pub(crate) struct DependencyArgs {
    /// This folder [default: the checkout that this command was built from, if it was]
    #[arg(long, help_heading = DEPENDENCY, value_name = "DIR", conflicts_with_all = ["dep_version", "dep_git"])]
    pub(crate) dep_path: Option<PathBuf>,

    /// This version from the registry [default: the version of this command, if it was installed
    /// from there]
    #[arg(long, help_heading = DEPENDENCY, value_name = "REQ", conflicts_with = "dep_git", value_parser = dependency::version_requirement)]
    pub(crate) dep_version: Option<String>,

    /// This git repository [default: the one that this command was installed from, if it was]
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
    /// What the arguments choose, if they do.
    pub(crate) fn git(&self) -> Option<Git> {
        let reference = [
            (Reference::Branch, &self.dep_branch),
            (Reference::Tag, &self.dep_tag),
            (Reference::Rev, &self.dep_rev),
        ];
        let mut chosen = reference
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

    /// How long to listen to the stream; more than a minute shows whether something on the way
    /// cuts off streams that are silent
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5", requires = "url")]
    pub(crate) wait: Duration,

    /// Save five values under this cache key of the app in this folder, and time their arrival.
    /// Every page that listens hears them
    #[arg(long, value_name = "KEY", requires = "url")]
    pub(crate) save: Option<String>,
}

#[derive(Args)]
pub(crate) struct SaveArgs {
    /// The cache key, as it stands behind the colon in SSE_EVENTS
    pub(crate) key: String,

    /// The value; `-` reads it from standard input
    #[arg(default_value = "1", allow_hyphen_values = true)]
    pub(crate) value: String,

    /// Save the value as text, even if it is JSON
    #[arg(long)]
    pub(crate) text: bool,

    /// How long the value is replayed to browsers that were away, and `sse get` prints it
    /// [default: SSE_TTL]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct GetArgs {
    /// The cache key, as it stands behind the colon in SSE_EVENTS
    pub(crate) key: String,

    /// Print the whole entry as one JSON object: id, key, timestamp and value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DeleteArgs {
    /// The cache key, as it stands behind the colon in SSE_EVENTS
    pub(crate) key: String,
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
mod tests;
