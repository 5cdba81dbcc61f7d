//! The cache folder, as far as it comes and goes with the installation.
//!
//! The running app makes the folder, and in it `.sse`, which holds saved values that no
//! browser will ask for once there is no stream. So both go when the installation goes, but
//! only below the app's own folder, and the cache folder only if nothing else is in it.

use std::path::{Component, Path, PathBuf};

use crate::editing::plan;
use crate::exit::Failure;

/// Where the cache is by default, below the app's folder.
const DEFAULT: &str = "writable/cache";
/// What the library keeps in it.
const OWN: &str = ".sse";

/// The app's cache folder, if it is below the app's own.
pub(crate) struct CacheFolder {
    app: PathBuf,
    /// Below the app's folder, without `..`.
    path: Option<PathBuf>,
}

impl CacheFolder {
    /// `setting` is the value of `SSE_CACHE`, if there is one.
    pub(crate) fn new(app: &Path, setting: Option<&str>) -> Self {
        let path = Path::new(setting.unwrap_or(DEFAULT));
        let path = path.strip_prefix(app).unwrap_or(path);
        let is_folder = !setting.is_some_and(|setting| setting.contains("://"));
        let is_below = is_folder
            && path
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        Self {
            app: app.to_owned(),
            path: (is_below && path.to_str().is_some()).then(|| path.to_owned()),
        }
    }

    /// The folders that the app is going to make, the outermost first, each below the app's
    /// folder and with a slash at its end.
    pub(crate) fn missing(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let folders = self.path.iter().flat_map(|path| path.ancestors());
        for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
            if !plan::exists(&self.app.join(folder))? {
                names.extend(name(folder));
            }
        }
        names.reverse();
        Ok(names)
    }

    /// The library's own folder in the cache, if it is there.
    pub(crate) fn own(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let own = path.join(OWN);
        let is_there = plan::exists(&self.app.join(&own))?;
        let is_folder = is_there && !self.app.join(&own).is_symlink();
        Ok(is_folder.then(|| name(&own)).flatten())
    }
}

/// The path with slashes, as a record has it on every system.
fn name(folder: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = folder
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_str())
        .collect();
    parts.map(|parts| parts.join("/") + "/")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_folder_below_the_apps_is_looked_at() {
        let app = tempfile::tempdir().expect("a folder");
        let missing = |setting| {
            let missing = CacheFolder::new(app.path(), setting).missing();
            missing.unwrap_or_else(|failure| panic!("{failure}"))
        };
        assert_eq!(missing(None), ["writable/", "writable/cache/"]);
        assert_eq!(missing(Some("./a/b")), ["a/", "a/b/"]);
        let inside = app.path().join("c").display().to_string();
        assert_eq!(missing(Some(&inside)), ["c/"]);
        for outside in [
            "/nowhere/cache",
            "../cache",
            "a/../../b",
            "redis://127.0.0.1/",
        ] {
            let cache = CacheFolder::new(app.path(), Some(outside));
            assert!(matches!(cache.own(), Ok(None)), "{outside}");
            assert!(
                cache.missing().is_ok_and(|missing| missing.is_empty()),
                "{outside}"
            );
        }
        fs::create_dir_all(app.path().join("writable")).expect("it can be made");
        assert_eq!(missing(None), ["writable/cache/"]);
    }

    #[test]
    fn the_librarys_own_folder_is_one() {
        let app = tempfile::tempdir().expect("a folder");
        let cache = CacheFolder::new(app.path(), None);
        assert!(matches!(cache.own(), Ok(None)));
        fs::create_dir_all(app.path().join("writable/cache/.sse")).expect("it can be made");
        let own = cache.own().unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(own.as_deref(), Some("writable/cache/.sse/"));
    }
}
