//! The app's pages, as far as they are files.

use std::fs;
use std::path::Path;

/// The script that a page loads to listen.
const SCRIPT: &str = "js/sse-client.js";
/// Where pages, or the code that makes them, usually are.
const FOLDERS: [&str; 6] = ["src", "templates", "public", "static", "assets", "views"];
const KINDS: [&str; 9] = [
    "html", "htm", "tera", "hbs", "jinja", "j2", "rs", "askama", "stpl",
];

/// Whether some page loads the listeners. Pages that come from elsewhere are not seen.
pub(crate) fn have_tag(app: &Path) -> bool {
    FOLDERS
        .iter()
        .any(|folder| have_tag_below(&app.join(folder)))
}

fn have_tag_below(folder: &Path) -> bool {
    // What cannot be read is passed over: this only saves a line of advice.
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => have_tag_below(&path),
            Ok(kind) if kind.is_file() => {
                let extension = path.extension().and_then(|extension| extension.to_str());
                extension.is_some_and(|extension| KINDS.contains(&extension))
                    && fs::read_to_string(&path).is_ok_and(|text| text.contains(SCRIPT))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_pages_and_not_in_scripts() {
        let app = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = app.path().join(name);
            fs::create_dir_all(path.parent().expect("it is below")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        };
        write("public/js/sse-client.js", "// js/sse-client.js");
        write("src/main.rs", "fn main() {}");
        assert!(!have_tag(app.path()));
        write(
            "templates/a/page.html",
            "<script src=\"/js/sse-client.js\"></script>",
        );
        assert!(have_tag(app.path()));
    }
}
