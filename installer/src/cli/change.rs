//! The arguments of `install` and `uninstall`.

use std::path::{Path, PathBuf};

use actix_web_sse::cli_support::settings;
use clap::{Args, ValueHint};

use crate::app::kind::Purpose;
use crate::editing::env::values::{self, InstallValues};
use crate::editing::manifest::dependency::{self, GIT_REFERENCES, GitSource};

const DEPENDENCY_HEADING: &str = "Source of the library";

/// The flags of commands that change files.
#[derive(Args, Default)]
pub(crate) struct ChangeArgs {
    /// Print what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print the changes as a diff, and change nothing
    #[arg(long)]
    pub(crate) diff: bool,

    /// Also replace or remove scripts, types and values that you have changed, without asking
    #[arg(short, long)]
    pub(crate) force: bool,

    /// Answer yes to all questions
    ///
    /// They are asked only on a terminal; elsewhere the answer is no.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

impl ChangeArgs {
    /// Whether the command must not change anything.
    pub(crate) fn is_preview(&self) -> bool {
        self.dry_run || self.diff
    }
}

#[derive(Args, Default)]
pub(crate) struct InstallArgs {
    #[arg(long, help = values::argument_help(&settings::events), value_name = "EVENT:KEY,…", value_parser = values::parse_events)]
    pub(crate) events: Option<String>,

    #[arg(long, help = values::argument_help(&settings::stream_duration), value_name = "SECONDS", value_parser = values::parse_duration)]
    pub(crate) duration: Option<String>,

    #[arg(long, help = values::argument_help(&settings::poll_interval), value_name = "SECONDS", value_parser = values::parse_interval)]
    pub(crate) interval: Option<String>,

    /// The folder of the app's public files, which is written to .env as SSE_PUBLIC [default: public]
    ///
    /// The scripts are in its folder js. A relative path is relative to the app's folder. In a folder without a
    /// Cargo.toml or a CodeIgniter app, this option or --cache says that it has an app in another language, beside
    /// which `sse serve` runs.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = values::parse_public)]
    pub(crate) public: Option<String>,

    /// The cache folder, which is written to .env as SSE_CACHE [default: writable/cache]
    ///
    /// For a CodeIgniter app, the default is the folder in app/Config/Cache.php.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = values::parse_cache)]
    pub(crate) cache: Option<String>,

    #[command(flatten)]
    pub(crate) dependency: DependencyArgs,

    /// Do not change .env
    ///
    /// Without the receipt in .env, uninstall keeps the folders that install created.
    #[arg(long)]
    pub(crate) no_env: bool,

    /// Do not change public/js, or the js in the folder of --public
    ///
    /// The library serves its own copy of sse.js.
    #[arg(long)]
    pub(crate) no_js: bool,

    /// Write the types into public/js even if the app's own code serves the scripts
    ///
    /// These are sse.d.ts and sse-events.d.ts.
    #[arg(long, conflicts_with = "no_js")]
    pub(crate) types: bool,

    /// Do not change Cargo.toml
    #[arg(long)]
    pub(crate) no_dep: bool,

    /// Do not change the code, and print the line to add
    #[arg(long)]
    pub(crate) no_wire: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

impl InstallArgs {
    /// The values that the arguments choose for the app in this folder.
    pub(crate) fn values(&self, app: &Path) -> InstallValues {
        let folder = |path: &Option<String>| path.as_ref().map(|path| values::folder(app, path));
        let chosen = [
            (settings::stream_duration.name, self.duration.clone()),
            (settings::poll_interval.name, self.interval.clone()),
            (settings::events.name, self.events.clone()),
            (settings::cache.name, folder(&self.cache)),
            (settings::public.name, folder(&self.public)),
        ];
        let chosen = chosen
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        InstallValues(chosen.collect())
    }

    pub(crate) fn purpose(&self) -> Purpose {
        Purpose::Install {
            is_placed: self.public.is_some() || self.cache.is_some(),
        }
    }
}

/// The source of the dependency.
#[derive(Args, Default)]
pub(crate) struct DependencyArgs {
    /// A folder with the library
    ///
    /// By default the checkout that this command was built from, if any.
    #[arg(long, help_heading = DEPENDENCY_HEADING, value_name = "DIR", conflicts_with_all = ["dep_version", "dep_git"])]
    pub(crate) dep_path: Option<PathBuf>,

    /// A version from the registry
    ///
    /// By default the version of this command, if it was installed from there.
    #[arg(long, help_heading = DEPENDENCY_HEADING, value_name = "REQ", conflicts_with = "dep_git", value_parser = dependency::parse_version_requirement)]
    pub(crate) dep_version: Option<String>,

    /// A git repository
    ///
    /// By default the one that this command was installed from, if any.
    #[arg(long, help_heading = DEPENDENCY_HEADING, value_name = "URL", value_parser = dependency::parse_git_address)]
    pub(crate) dep_git: Option<String>,

    /// A branch of the git repository
    #[arg(long, help_heading = DEPENDENCY_HEADING, value_name = "NAME", requires = "dep_git", conflicts_with_all = ["dep_tag", "dep_rev"])]
    pub(crate) dep_branch: Option<String>,

    /// A tag of the git repository
    #[arg(
        long, help_heading = DEPENDENCY_HEADING,
        value_name = "NAME",
        requires = "dep_git",
        conflicts_with = "dep_rev"
    )]
    pub(crate) dep_tag: Option<String>,

    /// A commit of the git repository
    #[arg(long, help_heading = DEPENDENCY_HEADING, value_name = "SHA", requires = "dep_git")]
    pub(crate) dep_rev: Option<String>,
}

impl DependencyArgs {
    /// The git repository that the arguments choose.
    pub(crate) fn git(&self) -> Option<GitSource> {
        let names = [&self.dep_branch, &self.dep_tag, &self.dep_rev];
        let mut references = GIT_REFERENCES.into_iter().zip(names);
        Some(GitSource {
            url: self.dep_git.clone()?,
            reference: references.find_map(|(kind, name)| Some((kind, name.clone()?))),
        })
    }
}
