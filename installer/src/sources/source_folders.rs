//! The folders that hold an app's sources, and the files in them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::source_files::{FileKind, SourceFile};
use super::tag_place;
use crate::app::kind::AppKind;
use crate::app::layout::AppLayout;
use crate::editing::source_reader;

/// The folders in which Rust apps keep pages, scripts and code.
const RUST_FOLDERS: [&str; 6] = ["public", "static", "assets", "templates", "views", "src"];

/// CodeIgniter's folder for code and views.
const CODEIGNITER_FOLDER: &str = "app";

/// The folders in which apps in other languages keep pages and scripts.
const OTHER_FOLDERS: [&str; 8] = [
    "public",
    "static",
    "assets",
    "templates",
    "views",
    "resources/views",
    "src",
    "app",
];

/// The folders below which each PHP file is a view.
const VIEW_FOLDERS: [&str; 3] = ["views", "templates", "pages"];

/// Keeps the check short if a folder holds something else than sources, such as uploads: far more
/// files than apps write by hand, and few enough to read within seconds.
const MAX_SOURCE_FILES: usize = 5_000;
/// All texts are kept and searched for each event. This is far more than people write, and few enough bytes to
/// search a hundred times within seconds.
const MAX_ALL_SOURCE_BYTES: usize = 64 * 1024 * 1024;

/// The folders that hold an app's sources.
pub(crate) struct SourceFolders(Vec<String>);

impl SourceFolders {
    pub(crate) fn of(layout: &AppLayout) -> Self {
        let folders: &[&str] = match layout.kind {
            AppKind::Rust => &RUST_FOLDERS,
            AppKind::CodeIgniter => &[CODEIGNITER_FOLDER],
            AppKind::Other => &OTHER_FOLDERS,
        };
        let public = layout.public.name();
        let is_listed = folders.contains(&public);
        let all = match public {
            // The folder of a Rust app also has what cargo builds.
            "." if !layout.kind.is_rust() => vec![public],
            "." => folders.to_vec(),
            _ if is_listed => folders.to_vec(),
            _ => [&[public], folders].concat(),
        };
        Self(all.into_iter().map(str::to_owned).collect())
    }
}

impl SourceFolders {
    pub(crate) fn contains(&self, folder: &str) -> bool {
        self.0.iter().any(|name| name == folder)
    }
}

impl fmt::Display for SourceFolders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// All source files of the app. Files that cannot be read are skipped, because the findings are
/// only advice.
pub(crate) fn read_all(layout: &AppLayout) -> Vec<SourceFile> {
    let mut reader = SourceReader {
        layout,
        files: Vec::new(),
        bytes_left: MAX_ALL_SOURCE_BYTES,
    };
    for folder in SourceFolders::of(layout).0 {
        reader.read_folder(&layout.app.join(folder));
    }
    reader.files
}

struct SourceReader<'a> {
    layout: &'a AppLayout,
    files: Vec<SourceFile>,
    bytes_left: usize,
}

impl SourceReader<'_> {
    fn read_folder(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if self.files.len() >= MAX_SOURCE_FILES || self.bytes_left == 0 {
                return;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            if path.is_dir() {
                // A link may lead back to a parent folder.
                if !path.is_symlink() {
                    self.read_folder(&path);
                }
            } else {
                let file = self.read_file(&path);
                self.files.extend(file);
            }
        }
    }

    fn read_file(&mut self, path: &Path) -> Option<SourceFile> {
        let AppLayout {
            app, kind, public, ..
        } = self.layout;
        let is_codeigniter = *kind == AppKind::CodeIgniter;
        let relative = path.strip_prefix(app).unwrap_or(path);
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        let kind = file_kind(relative)?;
        let bytes = source_reader::read(path)?;
        self.bytes_left = self.bytes_left.saturating_sub(bytes.len());
        let text = String::from_utf8_lossy(&bytes);
        let path = parts.join("/").replacen("//", "/", 1);
        let may_be_page =
            !is_codeigniter || is_view(relative) || path.starts_with(&public.file(""));
        let kind = match kind {
            FileKind::Php if may_be_page && tag_place::has_page_mark(&text) => FileKind::Page,
            // Such as the index.html that CodeIgniter has in each folder.
            FileKind::Page if !may_be_page => return None,
            kind => kind,
        };
        Some(SourceFile::new(public, path, kind, &text))
    }
}

fn file_kind(path: &Path) -> Option<FileKind> {
    if path.to_str()?.ends_with(".d.ts") {
        // Type declarations contain names of events, but no listeners.
        return None;
    }
    match path.extension()?.to_str()? {
        "rs" => Some(FileKind::Rust),
        "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" | "vue" | "svelte" => Some(FileKind::Script),
        "html" | "htm" | "jinja" | "jinja2" | "j2" | "tera" | "hbs" | "askama" | "stpl" => {
            Some(FileKind::Page)
        }
        "phtml" | "twig" | "latte" | "blade" | "ejs" | "erb" | "pug" => Some(FileKind::Page),
        "php" if is_view(path) => Some(FileKind::Page),
        "php" => Some(FileKind::Php),
        _ => None,
    }
}

/// Whether a PHP file shows a page, judged by its name.
fn is_view(path: &Path) -> bool {
    let mut folders = path.iter().filter_map(|part| part.to_str());
    let is_in_views = folders.any(|name| {
        VIEW_FOLDERS
            .iter()
            .any(|folder| name.eq_ignore_ascii_case(folder))
    });
    is_in_views
        || path
            .to_str()
            .is_some_and(|path| path.ends_with(".blade.php"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_source_files_of_an_app_are_found() {
        let app = tempfile::tempdir().expect("a folder");
        for file in [
            "public/js/a.js",
            "public/node_modules/b.js",
            "public/.c.js",
            "public/js/sse-events.d.ts",
            "templates/d.html",
            "views/d.stpl",
            "src/e/f.rs",
            "src/g.txt",
            "other/h.js",
        ] {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be created");
            fs::write(path, "x").expect("it can be written");
        }
        let files = AppLayout::of(app.path(), None).sources().into_iter();
        let paths: Vec<String> = files.map(|file| file.path).collect();
        assert_eq!(
            paths,
            [
                "public/js/a.js",
                "templates/d.html",
                "views/d.stpl",
                "src/e/f.rs"
            ]
        );
    }

    #[test]
    fn pages_and_code_of_a_codeigniter_app_are_told_apart() {
        let app = tempfile::tempdir().expect("a folder");
        for file in [
            "spark",
            "app/Config/DocTypes.php",
            "app/Views/a.php",
            "app/Views/b.html",
            "app/Modules/Shop/Views/c.php",
            "app/index.html",
            "public/index.php",
            "src/d.html",
        ] {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be created");
            fs::write(path, "<html>").expect("it can be written");
        }
        let files = AppLayout::of(app.path(), None).sources().into_iter();
        let files: Vec<_> = files.map(|file| (file.path, file.kind)).collect();
        let expected = [
            ("public/index.php", FileKind::Page),
            ("app/Config/DocTypes.php", FileKind::Php),
            ("app/Modules/Shop/Views/c.php", FileKind::Page),
            ("app/Views/a.php", FileKind::Page),
            ("app/Views/b.html", FileKind::Page),
        ];
        assert_eq!(files, expected.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn the_bytes_of_all_files_are_bounded() {
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir(app.path().join("src")).expect("it can be created");
        for number in 100..170 {
            let file = fs::File::create(app.path().join(format!("src/{number}.rs")));
            let file = file.expect("it can be created");
            file.set_len(1024 * 1024).expect("it can be written");
        }
        let files = AppLayout::of(app.path(), None).sources();
        assert_eq!(files.len(), 64);
        assert_eq!(files[63].path, "src/163.rs");
    }

    #[test]
    fn links_to_files_are_followed() {
        let app = tempfile::tempdir().expect("a folder");
        let public = app.path().join("public");
        fs::create_dir(&public).expect("it can be created");
        let outside = tempfile::tempdir().expect("a folder");
        for file in [outside.path().join("a.js"), app.path().join("b.js")] {
            fs::write(file, "x").expect("it can be written");
        }
        for (target, link) in [
            (outside.path().join("a.js"), "a.js"),
            ("../b.js".into(), "b.js"),
            ("/dev/zero".into(), "c.js"),
            ("nothing".into(), "d.js"),
        ] {
            symlink(target, public.join(link)).expect("it can be created");
        }
        let files = AppLayout::of(app.path(), None).sources();
        let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["public/a.js", "public/b.js"]);
    }
}
