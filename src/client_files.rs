//! The browser's side, embedded, so that it never lags behind the server's.

use include_dir::{Dir, include_dir};

static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// A file that browsers load, or editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientFile {
    /// The file's name: `sse.js`, `sse.d.ts` or `sse-client.js`.
    pub name: &'static str,
    /// Its text.
    pub contents: &'static str,
}

/// The files that belong into an app's `public/js`: `sse.js`, the client, `sse.d.ts`, its types, and
/// `sse-client.js`, a first set of listeners for the app's owner to change.
pub fn client_files() -> impl Iterator<Item = ClientFile> {
    ASSETS
        .get_dir("js")
        .into_iter()
        .flat_map(Dir::files)
        .filter_map(|file| {
            let name = file.path().file_name()?.to_str()?;
            Some(ClientFile {
                name,
                contents: file.contents_utf8()?,
            })
        })
}

/// One of [`client_files`] by its name.
pub(crate) fn client_file(name: &str) -> Option<ClientFile> {
    client_files().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_and_the_types_are_there() {
        let mut names: Vec<_> = client_files().map(|file| file.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["sse-client.js", "sse.d.ts", "sse.js"]);
        assert!(client_files().all(|file| !file.contents.is_empty()));
    }
}
