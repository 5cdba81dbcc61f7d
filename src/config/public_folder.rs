//! `SSE_PUBLIC`: the folder of the app's public files.

use std::{
    fmt::{self, Display},
    path::{Component, Path, PathBuf},
};

/// The absolute path of the folder, or one below the app's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicFolder(pub(super) PathBuf);

impl PublicFolder {
    /// The error continues a sentence that starts with the setting's name.
    pub(super) fn parse(app_dir: &Path, text: &str) -> Result<Self, &'static str> {
        let path = Path::new(text);
        if text.is_empty() {
            return Err("is empty");
        }
        if text.contains("://") {
            return Err("must be a folder, not a URL");
        }
        if text.contains(char::is_control) {
            return Err("contains a control character");
        }
        // What `..` leads to depends on links, and `sse uninstall` removes only what is below the app's folder.
        if path.components().any(|part| part == Component::ParentDir) {
            return Err("contains `..`");
        }
        let named = path.components().filter(|part| *part != Component::CurDir);
        Ok(Self(app_dir.join(named.collect::<PathBuf>())))
    }
}

impl Display for PublicFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_below_the_apps_folder() {
        let parse = |text| PublicFolder::parse(Path::new("/app"), text).map(|folder| folder.0);
        for (text, path) in [
            ("public", "/app/public"),
            ("./web/html/", "/app/web/html"),
            (".", "/app"),
            ("/srv/www", "/srv/www"),
        ] {
            assert_eq!(parse(text), Ok(PathBuf::from(path)), "{text}");
        }
    }
}
