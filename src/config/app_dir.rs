//! Where the app lives: its `.env`, and the folder that relative paths start from.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The app's folder: `CARGO_MANIFEST_DIR` under cargo; else the nearest folder upwards from the
/// working directory that has a `.env`; else the working directory.
///
/// The library and the `sse` command follow the same rule, so that a value saved by one reaches
/// the other.
#[must_use]
pub fn app_dir() -> PathBuf {
    let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    choose(env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from), &here)
}

fn choose(under_cargo: Option<PathBuf>, here: &Path) -> PathBuf {
    if let Some(dir) = under_cargo {
        return dir;
    }
    here.ancestors()
        .find(|dir| dir.join(".env").is_file())
        .unwrap_or(here)
        .to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_app_is() {
        assert_eq!(
            choose(Some("/app".into()), Path::new("/elsewhere")),
            Path::new("/app")
        );
    }

    #[test]
    fn the_nearest_env_file_upwards_marks_the_app() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("app/src/pages");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(root.path().join("app/.env"), "").unwrap();
        std::fs::create_dir(root.path().join("app/src/.env")).unwrap();
        assert_eq!(choose(None, &deep), root.path().join("app"));
    }

    #[test]
    fn without_any_env_file_it_is_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(choose(None, root.path()), root.path());
    }
}
