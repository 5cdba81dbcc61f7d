//! The cache, as far as `install` and `uninstall` handle it.
//!
//! The running app creates the cache folder and in it `.sse`, which holds the saved values. If the cache is in
//! Redis, it creates the same in the drop-in folder, for those in transit. Without a stream no browser asks for
//! them, so `uninstall` removes both, but only below the app's folder, and the folder around `.sse` only if it is empty.
//! It removes nothing from Redis, which serves several servers.

use std::fs;
use std::path::{Component, Path, PathBuf};

use actix_web_sse::cli_support::{RedisCache, settings};

use crate::editing::plan;
use crate::exit::Failure;

/// The library's folder in the cache folder.
const SSE_FOLDER_NAME: &str = ".sse";

pub(crate) struct CacheLocation {
    app: PathBuf,
    /// Relative to the app's folder and without `..`; `None` if the folder is elsewhere.
    path: Option<PathBuf>,
    /// Wherever it is; `None` if there is none.
    folder: Option<PathBuf>,
    pub(crate) redis: Option<RedisCache>,
}

impl CacheLocation {
    /// The values of `SSE_CACHE` and `SSE_DROP_INS`, if they are set.
    pub(crate) fn new(app: &Path, cache: Option<&str>, drop_ins: Option<&str>) -> Self {
        let redis = cache.and_then(|url| RedisCache::parse(app, url));
        let folder = match redis {
            Some(_) => drop_ins.or(settings::drop_ins.default),
            None => cache.or(settings::cache.default),
        };
        let folder = folder.unwrap_or_default();
        let is_none = redis.is_some() && folder == "off";
        let is_folder = !is_none && !folder.contains("://");
        let path = Path::new(folder);
        let path = path.strip_prefix(app).unwrap_or(path);
        let is_below = is_folder
            && path
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        Self {
            app: app.to_owned(),
            path: (is_below && path.to_str().is_some()).then(|| path.to_owned()),
            folder: is_folder.then(|| app.join(path)),
            redis,
        }
    }

    /// The cache folder, or the drop-in folder, wherever it is; `None` if there is none.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The setting that names the folder.
    pub(crate) fn folder_setting(&self) -> &'static str {
        match self.redis {
            Some(_) => settings::drop_ins.name,
            None => settings::cache.name,
        }
    }

    /// The folders that the app will create, the outermost first. Their paths are relative to
    /// the app's folder and end with a slash.
    pub(crate) fn missing_folders(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let folders = self.path.iter().flat_map(|path| path.ancestors());
        for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
            if !plan::exists(&self.app.join(folder))? {
                names.extend(receipt_path(folder));
            }
        }
        names.reverse();
        Ok(names)
    }

    /// The library's folder, if it exists and no symbolic link leads to it.
    pub(crate) fn sse_folder(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let sse_folder = path.join(SSE_FOLDER_NAME);
        let exists = plan::exists(&self.app.join(&sse_folder))?;
        let is_own = exists && is_in_place(&self.app, &sse_folder);
        Ok(is_own.then(|| receipt_path(&sse_folder)).flatten())
    }

    /// The library's folder if it is outside of the app's folder, or behind a link. Other apps, or other releases of
    /// this one, may share it.
    pub(crate) fn shared_sse_folder(&self) -> Result<Option<PathBuf>, Failure> {
        if self.sse_folder()?.is_some() {
            return Ok(None);
        }
        let folder = self
            .folder
            .as_ref()
            .map(|folder| folder.join(SSE_FOLDER_NAME));
        Ok(folder.and_then(|folder| fs::canonicalize(folder).ok()))
    }
}

/// Whether no part of the path below the app's folder is a link: several releases of an app may share
/// what a link leads to.
fn is_in_place(app: &Path, below: &Path) -> bool {
    let resolved = fs::canonicalize(app).and_then(|app| {
        let path = fs::canonicalize(app.join(below))?;
        Ok((app, path))
    });
    resolved.is_ok_and(|(app, path)| path == app.join(below))
}

/// The folder's path as a receipt writes it: without `.` components, a slash at its end.
fn receipt_path(folder: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = folder
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_str())
        .collect();
    parts.map(|parts| parts.join("/") + "/")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_cache_below_the_apps_folder_is_handled() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let missing = |setting| {
            let missing = CacheLocation::new(app.path(), setting, None).missing_folders();
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
            "memcached://127.0.0.1/",
        ] {
            let cache = CacheLocation::new(app.path(), Some(outside), None);
            assert!(matches!(cache.sse_folder(), Ok(None)), "{outside}");
            assert!(
                cache
                    .missing_folders()
                    .is_ok_and(|missing| missing.is_empty()),
                "{outside}"
            );
        }
        fs::create_dir_all(app.path().join("writable")).expect("can create the folder");
        assert_eq!(missing(None), ["writable/cache/"]);
    }

    #[test]
    fn with_a_cache_in_redis_the_folder_is_that_of_drop_ins() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let missing = |drop_ins| {
            let cache = CacheLocation::new(app.path(), Some("redis://host"), drop_ins);
            assert!(cache.redis.is_some());
            let missing = cache.missing_folders();
            missing.unwrap_or_else(|failure| panic!("{failure}"))
        };
        assert_eq!(missing(None), ["writable/", "writable/cache/"]);
        assert_eq!(missing(Some("in")), ["in/"]);
        assert!(missing(Some("off")).is_empty());
    }

    #[test]
    fn the_sse_folder_is_reported_if_it_exists() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let cache = CacheLocation::new(app.path(), None, None);
        assert!(matches!(cache.sse_folder(), Ok(None)));
        fs::create_dir_all(app.path().join("writable/cache/.sse")).expect("can create the folder");
        let folder = cache
            .sse_folder()
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(folder.as_deref(), Some("writable/cache/.sse/"));
    }

    #[test]
    fn an_sse_folder_behind_a_link_is_not_the_apps_own() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let shared = tempfile::tempdir().expect("can create a temporary folder");
        fs::create_dir_all(shared.path().join("cache/.sse")).expect("can create the folder");
        symlink(shared.path(), app.path().join("writable")).expect("can create the link");
        let cache = CacheLocation::new(app.path(), None, None);
        assert!(matches!(cache.sse_folder(), Ok(None)));
    }
}
