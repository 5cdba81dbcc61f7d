//! The folder of the app's public files, whose `js` has the scripts.

use std::fs;
use std::path::{Path, PathBuf};

use actix_web_sse::cli_support::settings;

use crate::editing::receipt::Receipt;

/// The folder of the scripts, in the folder of public files.
const SCRIPT_FOLDER: &str = "js/";

/// Begins the path of a file in a receipt if the folder of public files is not below the app's.
const OUTSIDE_PREFIX: &str = "SSE_PUBLIC/";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicFolder {
    /// Ends with a slash, unless it is the app's folder itself: then it is empty. Relative to the app's folder if it is
    /// below it, otherwise absolute.
    path: String,
}

impl PublicFolder {
    /// The folder that this value of `SSE_PUBLIC` names. The default if there is none, or if the library rejects it.
    pub(crate) fn new(app: &Path, value: Option<&str>) -> Self {
        let value = value.filter(|value| settings::public.check(value).is_ok());
        let value = value.or(settings::public.default).unwrap_or_default();
        let path = below_app(app, value.trim());
        Self::with_path(path.to_string_lossy().into_owned())
    }

    fn with_path(mut path: String) -> Self {
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        Self { path }
    }

    /// The folders below the app's, apart from `current`, into which `install` wrote scripts before `SSE_PUBLIC` was
    /// changed.
    pub(crate) fn former(receipt: &Receipt, current: &Self, script: &str) -> Vec<Self> {
        let suffix = format!("{SCRIPT_FOLDER}{script}");
        let folders = receipt.files().filter_map(|path| {
            let folder = path.strip_suffix(&suffix)?;
            let is_folder = folder.is_empty() || folder.ends_with('/');
            (is_folder && folder != OUTSIDE_PREFIX).then(|| Self::with_path(folder.to_owned()))
        });
        folders.filter(|folder| folder != current).collect()
    }

    pub(crate) fn is_below_app(&self) -> bool {
        !self.path.starts_with('/')
    }

    /// As `SSE_PUBLIC` would name it.
    pub(crate) fn name(&self) -> &str {
        match self.path.trim_end_matches('/') {
            "" if self.is_below_app() => ".",
            "" => "/",
            name => name,
        }
    }

    /// The path of a public file; relative if it is below the app's folder.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// The path of a script; relative if it is below the app's folder.
    pub(crate) fn script(&self, name: &str) -> String {
        self.file(&format!("{SCRIPT_FOLDER}{name}"))
    }

    /// The folders that `install` creates if they are missing, the outermost first, each with a slash at its end.
    pub(crate) fn folders(&self) -> Vec<String> {
        let scripts = self.file(SCRIPT_FOLDER);
        if !self.is_below_app() {
            return vec![scripts];
        }
        let slashes = scripts.match_indices('/');
        slashes.map(|(at, _)| scripts[..=at].to_owned()).collect()
    }

    /// The path as a receipt has it, which lists only paths below the app's folder.
    pub(crate) fn receipt_entry(&self, path: &str) -> String {
        match path.strip_prefix(&self.path) {
            Some(name) if !self.is_below_app() => format!("{OUTSIDE_PREFIX}{name}"),
            _ => path.to_owned(),
        }
    }

    /// The path that an entry of a receipt stands for.
    pub(crate) fn path_of_entry(&self, entry: &str) -> String {
        match entry.strip_prefix(OUTSIDE_PREFIX) {
            Some(name) if !self.is_below_app() => self.file(name),
            _ => entry.to_owned(),
        }
    }

    /// Whether `install` wrote scripts into a folder outside of the app's that this one is not.
    pub(crate) fn has_moved_inside(&self, receipt: &Receipt) -> bool {
        let mut files = receipt.files();
        self.is_below_app() && files.any(|path| path.starts_with(OUTSIDE_PREFIX))
    }
}

/// The path without `.` and, if it is below the app's folder, relative to that.
pub(crate) fn below_app(app: &Path, path: &str) -> PathBuf {
    let path = Path::new(path);
    let canonical = || {
        let path = fs::canonicalize(path).ok()?;
        Some(
            path.strip_prefix(fs::canonicalize(app).ok()?)
                .ok()?
                .to_owned(),
        )
    };
    let below = match path.strip_prefix(app) {
        Ok(below) => below.to_owned(),
        Err(_) if path.is_absolute() => canonical().unwrap_or_else(|| path.to_owned()),
        Err(_) => path.to_owned(),
    };
    let parts = below.components();
    parts
        .filter(|part| *part != std::path::Component::CurDir)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(value: &str) -> PublicFolder {
        PublicFolder::new(Path::new("/srv/app"), Some(value))
    }

    #[test]
    fn a_folder_below_the_apps_has_relative_paths() {
        for (value, name, script, folders) in [
            (
                "public",
                "public",
                "public/js/a.js",
                &["public/", "public/js/"][..],
            ),
            (
                "./web/html/",
                "web/html",
                "web/html/js/a.js",
                &["web/", "web/html/", "web/html/js/"],
            ),
            (".", ".", "js/a.js", &["js/"]),
            ("/srv/app/web", "web", "web/js/a.js", &["web/", "web/js/"]),
            ("/srv/app", ".", "js/a.js", &["js/"]),
        ] {
            let public = folder(value);
            assert_eq!((public.name(), &*public.script("a.js")), (name, script));
            assert_eq!(public.folders(), folders);
            assert_eq!(public.receipt_entry(script), script);
            assert_eq!(public.path_of_entry(script), script);
        }
    }

    #[test]
    fn a_folder_elsewhere_has_its_own_entries_in_a_receipt() {
        let public = folder("/srv/www/");
        assert_eq!(
            (public.name(), public.folders()),
            ("/srv/www", vec!["/srv/www/js/".to_owned()])
        );
        let script = public.script("a.js");
        assert_eq!(script, "/srv/www/js/a.js");
        assert_eq!(public.receipt_entry(&script), "SSE_PUBLIC/js/a.js");
        assert_eq!(public.path_of_entry("SSE_PUBLIC/js/a.js"), script);
        assert_eq!(public.path_of_entry("public/js/a.js"), "public/js/a.js");
    }

    #[test]
    fn a_value_that_the_library_rejects_is_replaced_by_the_default() {
        for value in ["", " ", "../www", "https://a.example"] {
            assert_eq!(folder(value), folder("public"), "{value}");
        }
        assert_eq!(
            PublicFolder::new(Path::new("/srv/app"), None),
            folder("public")
        );
    }

    #[test]
    fn folders_that_the_setting_named_before_are_known_by_the_receipt() {
        let mut receipt = Receipt::default();
        for path in [
            "web/js/a.js",
            "js/a.js",
            "public/js/a.js",
            "x/nojs/a.js",
            "SSE_PUBLIC/js/a.js",
        ] {
            receipt.add_with_hash(path, b"");
        }
        let former = PublicFolder::former(&receipt, &folder("public"), "a.js");
        assert_eq!(former, [folder("."), folder("web")]);
        assert!(folder("public").has_moved_inside(&receipt));
        assert!(!folder("/srv/www").has_moved_inside(&receipt));
    }
}
