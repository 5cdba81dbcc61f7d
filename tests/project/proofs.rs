//! The tests that the documents name as proof of a promise exist.

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
        let last = line.strip_suffix(" |").and_then(|row| row.rsplit_once("| "));
        match last {
            None => is_proof = false,
            Some((_, COLUMN)) => is_proof = true,
            Some((_, cell)) if is_proof => cells.push(cell),
            Some(_) => {}
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

#[test]
fn every_test_that_a_document_names_exists() {
    let mut sources = files_below("tests", "rs");
    sources.extend(files_below("src", "rs"));
    let sources: Vec<(PathBuf, String)> = sources
        .into_iter()
        .map(|file| (file.clone(), read(file)))
        .collect();
    let mut count = 0;
    for document in files_below("docs", "md") {
        for proof in cells(&read(&document)).into_iter().flat_map(proofs) {
            count += 1;
            let at = document.display();
            let exists = |module: &str, text: &str| {
                let mut sources = sources.iter();
                sources.any(|(file, source)| is_in(file, module) && source.contains(text))
            };
            match proof {
                Proof::Module(module) => assert!(exists(module, "#[test]"), "{at}: {module}"),
                Proof::Test(module, test) => {
                    let found = exists(module, &format!("fn {test}("));
                    assert!(found, "{at}: {module}: {test}");
                }
                Proof::Path(path) => assert!(workspace().join(path).exists(), "{at}: {path}"),
            }
        }
    }
    assert!(count > 50, "{count} tests are named");
}
