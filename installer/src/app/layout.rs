//! Where an app keeps its files.

use std::fs;
use std::path::{Path, PathBuf};

use actix_web_sse::cli_support::{EnvFile, settings};

use super::kind::{AppKind, Purpose};
use super::public_folder::PublicFolder;
use crate::editing::env::block::EnvState;
use crate::sources::source_files::SourceFile;
use crate::sources::source_folders;

pub(crate) const LISTENERS_FILE: &str = "sse-client.js";
pub(crate) const CLIENT_FILE: &str = "sse.js";

#[derive(Clone, Debug)]
pub(crate) struct AppLayout {
    pub(crate) app: PathBuf,
    pub(crate) kind: AppKind,
    pub(crate) public: PublicFolder,
    /// Whether it is a Rust app, or may be one whose code is not in the folder, as on a server.
    pub(crate) may_be_rust: bool,
}

impl AppLayout {
    /// For a check, which needs no complete app: a folder without a known one is taken for that of another app.
    pub(crate) fn of(app: &Path, env: Option<&EnvFile>) -> Self {
        let state = env.and_then(|env| EnvState::new(&env.bytes).ok());
        let manifest = fs::read(app.join("Cargo.toml")).ok();
        let kind = AppKind::find(app, manifest.as_deref(), state.as_ref(), Purpose::Show);
        let default = match manifest {
            Some(_) => AppKind::Rust,
            None => AppKind::Other,
        };
        let public = env.and_then(|env| env.get(settings::public.name));
        let public = PublicFolder::new(app, public.map(|(_, value)| value));
        Self::new(app, kind.unwrap_or(default), public, state.as_ref())
    }

    /// As [`of`](Self::of), but an `.env` that is a named pipe is not read: it gives its content to one reader.
    pub(crate) fn of_files(app: &Path) -> Self {
        let path = app.join(".env");
        let env = path.is_file().then(|| EnvFile::read(&path).ok().flatten());
        Self::of(app, env.flatten().as_ref())
    }

    pub(super) fn new(
        app: &Path,
        kind: AppKind,
        public: PublicFolder,
        env: Option<&EnvState>,
    ) -> Self {
        let is_other =
            env.is_some_and(|env| env.has_block() && env.receipt.source_files().next().is_none());
        Self {
            app: app.to_owned(),
            kind,
            public,
            may_be_rust: match kind {
                AppKind::Rust => true,
                AppKind::CodeIgniter => false,
                // Without the block, nothing shows what is in the folder.
                AppKind::Other => !is_other,
            },
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(kind: AppKind) -> Self {
        let app = Path::new("/app");
        Self::new(app, kind, PublicFolder::new(app, None), None)
    }

    /// The app's pages, scripts and code.
    pub(crate) fn sources(&self) -> Vec<SourceFile> {
        source_folders::read_all(self)
    }

    /// The path of the listeners that `install` creates and the app's author edits.
    pub(crate) fn listeners_path(&self) -> String {
        self.public.script(LISTENERS_FILE)
    }
}
