//! The original module, codeigniter4-sse: what it has left in an app that `sse serve` serves now.

use std::path::Path;

use crate::app::layout::AppLayout;
use crate::editing::plan::OriginalFile;
use crate::editing::receipt::{self, Receipt};
use crate::editing::source_reader;
use crate::exit::Failure;
use crate::sources::source_files::SourceFile;

/// The package's name for composer.
pub(crate) const PACKAGE: &str = "0ruialvel0/codeigniter4-sse";

/// The namespace of its classes.
const NAMESPACE: &str = "SseModule";
/// The path of its route, with or without a slash before it.
const ROUTE: &str = "sse/stream";
const ROUTES_FILE: &str = "app/Config/Routes.php";

/// The receipt's hashes of `public/js/sse-client.js` as the releases wrote it: 1.0.0, and from 1.0.1 on.
const CLIENT_HASHES: [u64; 2] = [0x23cc_63e8_937f_9cc8, 0x225a_6148_70c2_2b2e];

/// Ends the name of the module's script after `install` has replaced it. It is no script for browsers or editors.
const BACKUP_SUFFIX: &str = ".codeigniter4-sse";

/// Stands for the module's script in tests, which contain nothing of the module.
#[cfg(test)]
pub(crate) const TEST_CLIENT: &str = "new EventSource('sse/stream'); // the module's\n";

/// Whether these are the unedited listeners of the module, apart from line endings.
pub(crate) fn is_client(contents: &[u8]) -> bool {
    #[cfg(test)]
    if receipt::is_same_text(contents, TEST_CLIENT.as_bytes()) {
        return true;
    }
    CLIENT_HASHES.contains(&receipt::hash(contents))
}

/// The module's script beside the one that has replaced it, so that `uninstall` can restore it.
pub(crate) struct ModuleScript {
    pub(crate) path: String,
    pub(crate) receipt_path: String,
    pub(crate) file: OriginalFile,
    /// Whether `install` wrote the file, and nobody has edited it.
    pub(crate) is_by_install: bool,
}

impl ModuleScript {
    pub(crate) fn read(layout: &AppLayout, receipt: &Receipt) -> Result<Self, Failure> {
        let path = format!("{}{BACKUP_SUFFIX}", layout.listeners_path());
        let file = OriginalFile::read(&layout.app, &path)?;
        let receipt_path = layout.public.receipt_entry(&path);
        let contents = file.contents();
        let is_by_install =
            contents.is_some_and(|contents| receipt.is_unmodified(&receipt_path, contents));
        Ok(Self {
            path,
            receipt_path,
            file,
            is_by_install,
        })
    }
}

/// What only the app's owner can remove.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Whether composer installs the module.
    pub(crate) is_required: bool,
    /// The lines that use it, or its route, as `path:line`.
    pub(crate) lines: Vec<String>,
}

impl Leftovers {
    pub(crate) fn find(layout: &AppLayout, sources: &[SourceFile]) -> Self {
        let uses = sources
            .iter()
            .filter(|source| source.is_server_code() || source.is_page());
        let mut lines: Vec<String> = uses.flat_map(uses_in).collect();
        lines.dedup();
        Self {
            is_required: requires_module(&layout.app),
            lines,
        }
    }
}

fn uses_in(source: &SourceFile) -> Vec<String> {
    let routes = match source.path == ROUTES_FILE {
        true => vec![
            format!("'{ROUTE}'"),
            format!("'/{ROUTE}'"),
            format!("\"{ROUTE}\""),
            format!("\"/{ROUTE}\""),
        ],
        false => Vec::new(),
    };
    let mut offsets: Vec<usize> = routes
        .iter()
        .map(String::as_str)
        .chain([NAMESPACE])
        .flat_map(|text| source.text.match_indices(text).map(|(at, _)| at))
        .collect();
    offsets.sort_unstable();
    let mut lines: Vec<String> = offsets.into_iter().map(|at| source.location(at)).collect();
    lines.dedup();
    lines
}

fn requires_module(app: &Path) -> bool {
    let composer = source_reader::read(&app.join("composer.json")).unwrap_or_default();
    let composer = String::from_utf8_lossy(&composer).to_ascii_lowercase();
    composer.contains(&format!("\"{PACKAGE}\"")) || app.join("vendor").join(PACKAGE).is_dir()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::app::kind::AppKind;
    use crate::sources::source_files::FileKind;

    #[test]
    fn the_lines_that_use_the_module_are_found() {
        let code = |path: &str, text: &str| SourceFile::for_test(path, FileKind::Php, text);
        let sources = [
            code(
                ROUTES_FILE,
                "<?php\n$routes->get('/', 'Home::index');\n\
                 // $routes->get('/sse/stream', '\\SseModule\\Controllers\\StreamController::stream');\n\
                 $routes->get('/sse/stream', '\\SseModule\\Controllers\\StreamController::stream');\n\
                 $routes->get(\"sse/stream\", 'Other::stream');\n",
            ),
            code("app/Controllers/Home.php", "$url = 'sse/stream';\n"),
            SourceFile::for_test(
                "app/Views/a.php",
                FileKind::Page,
                "<html>\n<?php var_dump(class_exists('\\SseModule\\Controllers\\StreamController'));",
            ),
        ];
        let layout = AppLayout::for_test(AppKind::CodeIgniter);
        let found = Leftovers::find(&layout, &sources);
        let lines = [
            "app/Config/Routes.php:4",
            "app/Config/Routes.php:5",
            "app/Views/a.php:2",
        ];
        assert_eq!(found.lines, lines);
        assert!(!found.is_required);
        assert_eq!(
            Leftovers::find(&layout, &sources[1..2]),
            Leftovers::default()
        );
    }

    #[test]
    fn composer_shows_that_the_module_is_installed() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let write = |text: &str| {
            fs::write(app.path().join("composer.json"), text).expect("can write the file");
        };
        assert!(!requires_module(app.path()));
        write("{\"require\": {\"0RuiAlvel0/codeigniter4-sse\": \"^1\"}}");
        assert!(requires_module(app.path()));
        write("{\"require\": {\"other/codeigniter4-sse\": \"^1\"}}");
        assert!(!requires_module(app.path()));
    }
}
