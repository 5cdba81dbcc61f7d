//! The tests and modules that the documents name exist.

use std::path::{Path, PathBuf};

use support::workspace;

use crate::markdown::{files_below, prose, read};

/// The header of a table's column that names tests.
const COLUMN: &str = "shown by";

/// What a code span in such a column can name.
enum Proof<'a> {
    /// A test module, as in `journal::file::stress`.
    Module(&'a str),
    /// A test in that module.
    Test(&'a str, &'a str),
    /// A file or folder.
    Path(&'a str),
}

/// The cells of all columns that name tests.
fn cells(text: &str) -> Vec<&str> {
    let mut is_proof = false;
    let mut cells = Vec::new();
    for line in prose(text) {
        let row = line.strip_prefix('|').and_then(|row| row.strip_suffix('|'));
        let Some(row) = row else {
            is_proof = false;
            continue;
        };
        let cell = row.rsplit('|').next().unwrap_or_default().trim();
        if cell == COLUMN {
            is_proof = true;
        } else if is_proof {
            cells.push(cell);
        }
    }
    cells
}

/// A cell has the form "`module`: `test`, `test`; `module`; words".
fn proofs(cell: &str) -> Vec<Proof<'_>> {
    let mut proofs = Vec::new();
    let mut module = None;
    let mut parts = cell.split('`');
    let mut before = parts.next().unwrap_or_default();
    while let (Some(code), Some(after)) = (parts.next(), parts.next()) {
        if ![": ", ", "].contains(&before) {
            module = None;
        }
        match module {
            _ if after == ": " => module = Some(code),
            Some(module) => proofs.push(Proof::Test(module, code)),
            None if code.contains('/') => proofs.push(Proof::Path(code)),
            None => proofs.push(Proof::Module(code)),
        }
        before = after;
    }
    proofs
}

/// Whether a file's path contains the parts of a module's.
fn is_in(file: &Path, module: &str) -> bool {
    let file = file.with_extension("");
    let file: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let module: Vec<&str> = module.split("::").collect();
    file.windows(module.len()).any(|part| part == module)
}

/// The Rust files of the library, of the command and of the tests, with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let folders = ["src", "installer/src", "tests"].into_iter();
    let files = folders.flat_map(|folder| files_below(folder, "rs"));
    files.map(|file| (file.clone(), read(file))).collect()
}

/// What a document names although it does not exist.
fn missing(proof: &Proof<'_>, sources: &[(PathBuf, String)]) -> Option<String> {
    let exists = |module: &str, text: &str| {
        let mut sources = sources.iter();
        sources.any(|(file, source)| is_in(file, module) && source.contains(text))
    };
    match *proof {
        Proof::Module(module) => (!exists(module, "")).then(|| module.to_owned()),
        Proof::Test(module, test) => {
            let is_there = exists(module, &format!("fn {test}("));
            (!is_there).then(|| format!("{module}: {test}"))
        }
        Proof::Path(path) => (!workspace().join(path).exists()).then(|| path.to_owned()),
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sources = sources();
    let documents: Vec<String> = files_below("docs", "md").iter().map(read).collect();
    let cells = documents.iter().flat_map(|document| cells(document));
    let proofs: Vec<Proof<'_>> = cells.flat_map(proofs).collect();
    assert!(proofs.len() > 90, "only {} are named", proofs.len());
    let missing = proofs.iter().filter_map(|proof| missing(proof, &sources));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

/// The text between two headings of the second level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let rest = document.split_once(&format!("\n## {heading}\n")).unwrap().1;
    rest.split("\n## ").next().unwrap()
}

#[test]
fn the_architecture_lists_the_modules_of_the_library_in_order() {
    let architecture = read("docs/architecture.md");
    let rows = section(&architecture, "The library's modules").lines();
    let listed: Vec<&str> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect();
    let files = files_below("src", "rs");
    let files = files.iter().filter(|file| file.components().count() == 2);
    let mut modules: Vec<&str> = files
        .filter_map(|file| file.file_stem()?.to_str())
        .filter(|module| *module != "lib")
        .collect();
    modules.sort_unstable();
    assert_eq!(listed, modules);
}

#[test]
fn every_module_that_the_architecture_names_exists() {
    let sources = files_below("src", "rs");
    let architecture = read("docs/architecture.md");
    let spans: Vec<&str> = prose(&architecture)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect();
    let is_path = |span: &&str| {
        let mut letters = span.chars();
        span.contains("::") && letters.all(|letter| letter.is_lowercase() || "_:".contains(letter))
    };
    let missing = spans
        .into_iter()
        .filter(is_path)
        .filter(|module| !sources.iter().any(|file| is_in(file, module)));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}
