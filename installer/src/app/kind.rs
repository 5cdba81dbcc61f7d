//! What kind of app is in a folder.

use std::path::Path;

use serde::Serialize;

use super::codeigniter;
use crate::editing::env::block::EnvState;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::edits::LibraryEntry;
use crate::exit::Failure;

/// Decides what `install` changes besides `.env` and the scripts, and what serves the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AppKind {
    /// A package with a `Cargo.toml`, whose own code serves the stream.
    Rust,
    /// A CodeIgniter 4 app beside `sse serve`.
    CodeIgniter,
    /// An app in any language beside `sse serve`.
    Other,
}

/// What a command wants to do in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Install {
        /// Whether arguments say where the cache or the public files are: then it need not be a Rust app.
        is_placed: bool,
    },
    Uninstall,
    Show,
}

impl AppKind {
    /// The kind of the app in `app`, whose files are these. A folder that has both is the Rust app if its manifest
    /// depends on actix-web or on the library.
    pub(crate) fn find(
        app: &Path,
        manifest: Option<&[u8]>,
        env: Option<&EnvState>,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let is_codeigniter = codeigniter::is_app(app);
        match manifest {
            Some(manifest) if is_codeigniter && !is_rust_app(manifest, env, purpose)? => {
                Ok(Self::CodeIgniter)
            }
            Some(_) => Ok(Self::Rust),
            None if is_codeigniter => Ok(Self::CodeIgniter),
            None => Self::without_known_files(app, env, purpose),
        }
    }

    /// Of a folder that is known by its `.env` at most.
    fn without_known_files(
        app: &Path,
        env: Option<&EnvState>,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let changed_code = env.and_then(|env| env.receipt.source_files().next());
        match (purpose, changed_code) {
            (Purpose::Install { .. } | Purpose::Uninstall, Some(file)) => {
                Err(no_manifest(app, file))
            }
            (Purpose::Install { is_placed: true }, None) => Ok(Self::Other),
            (Purpose::Install { .. }, None) if env.is_some_and(EnvState::has_block) => {
                Ok(Self::Other)
            }
            (Purpose::Uninstall | Purpose::Show, _) if env.is_some() => Ok(Self::Other),
            _ => Err(no_app(app)),
        }
    }

    pub(crate) fn is_rust(self) -> bool {
        self == Self::Rust
    }

    /// What reads the configuration, to begin a sentence about it.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Self::Rust => "the app",
            Self::CodeIgniter | Self::Other => "`sse serve`",
        }
    }
}

/// Whether a folder that also has a CodeIgniter app is the Rust app.
fn is_rust_app(manifest: &[u8], env: Option<&EnvState>, purpose: Purpose) -> Result<bool, Failure> {
    let manifest = Manifest::parse(manifest)?;
    let is_placed = purpose == Purpose::Install { is_placed: true };
    let has_rust_receipt = env.is_some_and(|env| env.receipt.source_files().next().is_some());
    let has_block = env.is_some_and(EnvState::has_block);
    Ok(manifest.library_entry(None) != LibraryEntry::Absent
        || has_rust_receipt
        || (manifest.has_actix_web() && !is_placed && !has_block))
}

fn no_app(dir: &Path) -> Failure {
    Failure::error(format!(
        "no app in {}: neither a Cargo.toml nor a CodeIgniter app (`spark` and `app/Config`)",
        dir.display()
    ))
    .with_help(
        "run the command in your app's folder, or pass the folder: sse -C DIR …; for an app in another language, \
         install with the folder of its public files: sse install --public DIR",
    )
}

/// `install` has changed the code of the app, which is not in the folder.
fn no_manifest(dir: &Path, file: &str) -> Failure {
    let dir = dir.display();
    Failure::error(format!(
        "no Cargo.toml in {dir}, although `sse install` has changed {file} there"
    ))
    .with_help("run the command where the app's code is")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const INSTALL: Purpose = Purpose::Install { is_placed: false };
    const PLACED: Purpose = Purpose::Install { is_placed: true };

    const BLOCK: &str = "# >>> sse >>>\nSSE_POLL_INTERVAL=2\n# <<< sse <<<\n";
    const RUST_BLOCK: &str = "# >>> sse >>>\n# sse: created src/main.rs\n# <<< sse <<<\n";
    const MANIFEST: &str = "[package]\nname = \"a\"\n[dependencies]\n";

    fn folder(is_codeigniter: bool) -> TempDir {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        if is_codeigniter {
            for folder in ["public", "app/Config"] {
                fs::create_dir_all(app.path().join(folder)).expect("can create the folder");
            }
            fs::write(app.path().join("spark"), "").expect("can write the file");
        }
        app
    }

    /// `None` if there is no app of a known kind.
    fn kind(
        is_codeigniter: bool,
        manifest: Option<&str>,
        env: Option<&str>,
        purpose: Purpose,
    ) -> Option<AppKind> {
        let app = folder(is_codeigniter);
        let env = env.map(|env| EnvState::new(env.as_bytes()).expect("valid input"));
        let manifest = manifest.map(str::as_bytes);
        AppKind::find(app.path(), manifest, env.as_ref(), purpose).ok()
    }

    #[test]
    fn a_manifest_or_the_folders_of_codeigniter_show_the_kind() {
        for purpose in [INSTALL, PLACED, Purpose::Uninstall, Purpose::Show] {
            for env in [None, Some(""), Some(BLOCK)] {
                assert_eq!(
                    kind(false, Some(MANIFEST), env, purpose),
                    Some(AppKind::Rust)
                );
                assert_eq!(kind(true, None, env, purpose), Some(AppKind::CodeIgniter));
            }
        }
    }

    #[test]
    fn another_app_is_known_by_the_arguments_or_the_block() {
        for (env, purpose, expected) in [
            (None, INSTALL, None),
            (Some("A=1\n"), INSTALL, None),
            (None, PLACED, Some(AppKind::Other)),
            (Some("A=1\n"), PLACED, Some(AppKind::Other)),
            (Some(BLOCK), INSTALL, Some(AppKind::Other)),
            (Some(BLOCK), Purpose::Uninstall, Some(AppKind::Other)),
            (Some("A=1\n"), Purpose::Uninstall, Some(AppKind::Other)),
            (Some("A=1\n"), Purpose::Show, Some(AppKind::Other)),
            (None, Purpose::Show, None),
            (None, Purpose::Uninstall, None),
        ] {
            assert_eq!(
                kind(false, None, env, purpose),
                expected,
                "{env:?} {purpose:?}"
            );
        }
    }

    #[test]
    fn a_deployed_rust_app_is_shown_and_not_changed() {
        for (purpose, expected) in [
            (INSTALL, None),
            (PLACED, None),
            (Purpose::Uninstall, None),
            (Purpose::Show, Some(AppKind::Other)),
        ] {
            let found = kind(false, None, Some(RUST_BLOCK), purpose);
            assert_eq!(found, expected, "{purpose:?}");
        }
    }

    #[test]
    fn a_folder_with_both_is_the_rust_app_if_it_depends_on_actix_web() {
        let web = format!("{MANIFEST}actix-web = \"4\"\n");
        let library = format!("{MANIFEST}actix-web-sse = \"0.1\"\n");
        for (manifest, env, purpose, expected) in [
            (MANIFEST, None, INSTALL, AppKind::CodeIgniter),
            (MANIFEST, None, Purpose::Show, AppKind::CodeIgniter),
            (&web, None, INSTALL, AppKind::Rust),
            (&web, None, PLACED, AppKind::CodeIgniter),
            (&web, Some(BLOCK), Purpose::Show, AppKind::CodeIgniter),
            (&web, Some(RUST_BLOCK), Purpose::Show, AppKind::Rust),
            (&library, Some(BLOCK), PLACED, AppKind::Rust),
        ] {
            let found = kind(true, Some(manifest), env, purpose);
            assert_eq!(found, Some(expected), "{manifest} {env:?} {purpose:?}");
        }
    }
}
