//! The app's folder: `.env` is in it, and relative paths are resolved against it.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Returns the app's folder, which contains its `.env`.
///
/// That is the first of these: the folder in `CARGO_MANIFEST_DIR`, which cargo sets; the nearest
/// folder with a `.env`, starting at the working directory and going up; the working directory.
///
/// The library and the `sse` command follow the same rule, so a value saved by one reaches the other.
#[must_use]
pub fn app_dir() -> PathBuf {
    let working_dir = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    choose(
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
        &working_dir,
    )
}

/// Where the `.env` of `dir` was looked for, to continue a sentence. Without paths: visitors may read it.
pub(super) fn searched_folders(dir: &Path) -> &'static str {
    if dir != app_dir() {
        ""
    } else if env::var_os("CARGO_MANIFEST_DIR").is_some() {
        " in the package's folder (CARGO_MANIFEST_DIR)"
    } else {
        " in the working directory or in a folder above it"
    }
}

fn choose(cargo_dir: Option<PathBuf>, working_dir: &Path) -> PathBuf {
    if let Some(dir) = cargo_dir {
        return dir;
    }
    working_dir
        .ancestors()
        .find(|dir| dir.join(".env").is_file())
        .unwrap_or(working_dir)
        .to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_cargo_the_app_is_in_the_packages_folder() {
        assert_eq!(
            choose(Some("/app".into()), Path::new("/elsewhere")),
            Path::new("/app")
        );
    }

    #[test]
    fn the_nearest_folder_with_an_env_file_is_the_apps() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("app/src/pages");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(root.path().join("app/.env"), "").unwrap();
        std::fs::create_dir(root.path().join("app/src/.env")).unwrap();
        assert_eq!(choose(None, &deep), root.path().join("app"));
    }

    #[test]
    fn without_an_env_file_the_working_directory_is_the_apps_folder() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(choose(None, root.path()), root.path());
    }
}
