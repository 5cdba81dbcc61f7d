//! Which `.env` the app reads, and whether git could take it into version control.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("env");

pub(crate) const NOT_IGNORED_MESSAGE: &str =
    "git does not ignore .env, a file that usually contains passwords";
pub(crate) const NOT_IGNORED_HELP: &str =
    "add the line `.env` to .gitignore before you put a secret into .env";

/// `may_be_rust`: the app may load the file with dotenvy.
pub(super) fn check(app: &Path, may_be_rust: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Canonical, because the parent of a path with `..` or a symbolic link is another folder than
    // its text suggests.
    let working_dir = env::current_dir().and_then(|dir| dir.canonicalize());
    if let (true, Ok(app), Ok(working_dir)) = (may_be_rust, app.canonicalize(), working_dir) {
        findings.extend(other_env_file(&app, &working_dir));
    }
    if git_would_add_env(app) {
        findings.push(CHECK.tip(NOT_IGNORED_MESSAGE, NOT_IGNORED_HELP));
    }
    findings
}

/// The library reads the `.env` in the app's folder. `dotenvy::dotenv()` reads the nearest one from
/// the working directory upwards.
fn other_env_file(app: &Path, working_dir: &Path) -> Option<Finding> {
    let app_env = app.join(".env");
    let shown = app_env.display();
    let env_above = app.parent().and_then(nearest_env);
    if !app_env.is_file() {
        let env_above = env_above?;
        let env_above = env_above.display();
        return Some(CHECK.warning(
            format!(
                "the app's folder has no .env; the app reads {env_above} instead, but not when \
                 cargo starts it"
            ),
            format!("put the SSE_ settings into {shown}"),
        ));
    }
    if let Some(other) = nearest_env(working_dir).filter(|other| *other != app_env) {
        let other = other.display();
        return Some(CHECK.warning(
            format!(
                "the library reads {shown}, but `dotenvy::dotenv()` reads {other} if the app calls it and is \
                 started from this folder"
            ),
            "start the app in its own folder, and keep the SSE_ settings in the .env there",
        ));
    }
    Some(CHECK.note(format!(
        "another .env is above the app's folder, {}: the app uses it if you start it there",
        env_above?.display()
    )))
}

fn nearest_env(from: &Path) -> Option<PathBuf> {
    from.ancestors()
        .map(|dir| dir.join(".env"))
        .find(|path| path.is_file())
}

/// Whether the app's `.env` is in a git repository that does not ignore it. `false` if git is not
/// installed.
pub(crate) fn git_would_add_env(app: &Path) -> bool {
    let is_in_repository = app.ancestors().any(|dir| dir.join(".git").exists());
    if !is_in_repository || !app.join(".env").is_file() {
        return false;
    }
    let output = Command::new("git")
        .args(["check-ignore", "--quiet", ".env"])
        .current_dir(app)
        .stdin(Stdio::null())
        .output();
    // 0: ignored, 1: not ignored, any other code: an error.
    output.is_ok_and(|output| output.status.code() == Some(1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::doctor::finding::Level;

    /// A folder `root/app/src` with files in it.
    struct FolderTree(tempfile::TempDir);

    impl FolderTree {
        fn with(files: &[&str]) -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(dir.path().join("root/app/src")).expect("it can be created");
            for file in files {
                fs::write(dir.path().join(file), "A=1\n").expect("it can be written");
            }
            Self(dir)
        }

        fn finding(&self, working_dir: &str) -> Option<Finding> {
            let root = self.0.path();
            other_env_file(&root.join("root/app"), &root.join(working_dir))
        }
    }

    #[test]
    fn the_apps_env_file_is_found_from_its_subfolders() {
        let tree = FolderTree::with(&["root/app/.env"]);
        assert_eq!(tree.finding("root/app"), None);
        assert_eq!(tree.finding("root/app/src"), None);
        assert_eq!(tree.finding("root"), None, "no other .env exists");
    }

    #[test]
    fn a_working_directory_with_another_env_file_is_a_warning() {
        let tree = FolderTree::with(&["root/app/.env", "root/.env"]);
        let finding = tree.finding("root").expect("another file is nearer");
        assert_eq!(finding.level, Level::Warning);
        assert!(
            finding.message.contains("root/.env if the app calls it"),
            "{}",
            finding.message
        );
        let finding = tree.finding("root/app").expect("another file is above");
        assert_eq!(finding.level, Level::Note);
    }

    #[test]
    fn an_env_file_above_an_app_without_one_is_a_warning() {
        let tree = FolderTree::with(&["root/.env"]);
        let finding = tree.finding("root/app").expect("another file is above");
        assert_eq!(finding.level, Level::Warning);
        assert!(
            finding.message.contains("has no .env"),
            "{}",
            finding.message
        );
    }
}
