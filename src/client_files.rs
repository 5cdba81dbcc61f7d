//! The browser client, embedded so that it always matches the server.

use include_dir::{Dir, include_dir};

static ASSETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// A file for an app's `public/js`, which browsers or editors load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientFile {
    /// The file's name: `sse.js`, `sse.d.ts` or `sse-client.js`.
    pub name: &'static str,
    /// The file's text.
    pub contents: &'static str,
}

/// Iterates over the files for an app's `public/js`: the client `sse.js`, its types `sse.d.ts`, and
/// `sse-client.js`, example listeners for the app's owner to change.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_and_types_are_embedded() {
        let mut names: Vec<_> = client_files().map(|file| file.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["sse-client.js", "sse.d.ts", "sse.js"]);
        assert!(client_files().all(|file| !file.contents.is_empty()));
    }
}
