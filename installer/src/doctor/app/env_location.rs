//! Which `.env` is read, and whether it could get into version control.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::doctor::finding::Finding;

const CHECK: &str = "env";

pub(super) fn check(app: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Paths with `..` or symbolic links in them lead up another way than they look.
    let here = env::current_dir().and_then(|here| here.canonicalize());
    if let (Ok(app), Ok(here)) = (app.canonicalize(), here) {
        findings.extend(elsewhere(&app, &here));
    }
    findings.extend(may_be_committed(app));
    findings
}

/// The app reads the `.env` of its folder, and `dotenvy::dotenv()` the nearest one upwards from
/// the working directory.
fn elsewhere(app: &Path, here: &Path) -> Option<Finding> {
    let own = app.join(".env");
    let above = app.parent().and_then(nearest_env);
    if !own.is_file() {
        let above = above?;
        return Some(Finding::warning(
            CHECK,
            format!(
                "the app has no .env of its own; {} is read only where cargo does not start the app",
                above.display()
            ),
            format!("put the SSE_ keys into {}", own.display()),
        ));
    }
    if let Some(other) = nearest_env(here).filter(|other| *other != own) {
        return Some(Finding::warning(
            CHECK,
            format!(
                "from this folder `dotenvy::dotenv()` reads {}, and the events are those of {}",
                other.display(),
                own.display()
            ),
            "start the app in its own folder, and keep the SSE_ keys in the .env there",
        ));
    }
    let above = above?;
    Some(Finding::note(
        CHECK,
        format!(
            "there is another .env above the app, {}: an app that is started there reads that one",
            above.display()
        ),
    ))
}

fn nearest_env(from: &Path) -> Option<PathBuf> {
    from.ancestors()
        .map(|dir| dir.join(".env"))
        .find(|path| path.is_file())
}

fn may_be_committed(app: &Path) -> Option<Finding> {
    is_not_ignored(app).then(|| Finding::note(CHECK, NOT_IGNORED.0).help(NOT_IGNORED.1))
}

/// What it means that git does not ignore `.env`, and what to do.
pub(crate) const NOT_IGNORED: (&str, &str) = (
    "git does not ignore .env, which is where passwords are kept",
    "add the line `.env` to .gitignore, if secrets may ever stand in it",
);

/// Git is asked only where there is a repository, and where there is no git nothing is said.
pub(crate) fn is_not_ignored(app: &Path) -> bool {
    let in_repository = app.ancestors().any(|dir| dir.join(".git").exists());
    if !in_repository || !app.join(".env").is_file() {
        return false;
    }
    let status = Command::new("git")
        .args(["check-ignore", "--quiet", ".env"])
        .current_dir(app)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // 0: ignored; 1: not; anything else: git cannot tell.
    status.is_ok_and(|status| status.code() == Some(1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::doctor::finding::Level;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn with(files: &[&str]) -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(dir.path().join("root/app/src")).expect("it can be made");
            for file in files {
                fs::write(dir.path().join(file), "A=1\n").expect("it can be written");
            }
            Self(dir)
        }

        fn found(&self, here: &str) -> Option<Finding> {
            elsewhere(&self.0.path().join("root/app"), &self.0.path().join(here))
        }
    }

    #[test]
    fn the_apps_own_file_is_found_from_below() {
        let tree = Tree::with(&["root/app/.env"]);
        assert_eq!(tree.found("root/app"), None);
        assert_eq!(tree.found("root/app/src"), None);
        assert_eq!(tree.found("root"), None, "there is no other");
    }

    #[test]
    fn a_working_directory_with_another_file_is_warned_about() {
        let tree = Tree::with(&["root/app/.env", "root/.env"]);
        let finding = tree.found("root").expect("another file is nearer");
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.what.contains("root/.env, and"), "{}", finding.what);
        let finding = tree.found("root/app").expect("there is one above");
        assert_eq!(finding.level, Level::Note);
    }

    #[test]
    fn a_file_above_an_app_without_one_is_warned_about() {
        let tree = Tree::with(&["root/.env"]);
        let finding = tree.found("root/app").expect("there is one above");
        assert_eq!(finding.level, Level::Warning);
        assert!(
            finding.what.contains("no .env of its own"),
            "{}",
            finding.what
        );
    }
}
