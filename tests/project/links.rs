//! The documents on GitHub and as a book: their links, anchors and table of contents.

use std::path::{Component, Path, PathBuf};

use support::workspace;

use crate::markdown::{anchors, files_below, headings, link_targets, prose, read};

const SUMMARY: &str = "docs/SUMMARY.md";

/// Every document that a user reads. A link in the template's is relative to the generated app.
fn documents() -> Vec<PathBuf> {
    let mut documents = files_below("docs", "md");
    let others = [
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "installer/README.md",
        "template/README.md.liquid",
    ];
    documents.extend(others.map(PathBuf::from));
    documents
}

/// The links of a document to files of this repository: the file, and the anchor in it.
fn local_links(document: &Path) -> Vec<(PathBuf, Option<String>)> {
    let text = read(document);
    let targets = prose(&text).flat_map(link_targets);
    targets
        .filter(|target| !target.contains("://"))
        .map(|target| {
            let (path, anchor) = match target.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor.to_owned())),
                None => (target.as_str(), None),
            };
            (resolve(document, path), anchor)
        })
        .collect()
}

/// The path of a link's target, relative to the repository.
fn resolve(document: &Path, target: &str) -> PathBuf {
    if target.is_empty() {
        return document.to_owned();
    }
    let mut path = document.parent().unwrap().to_owned();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => assert!(path.pop(), "{target} leaves the repository"),
            other => path.push(other),
        }
    }
    path
}

/// Whether a link leads to a file and, if it names an anchor, to a heading in it.
fn is_intact(file: &Path, anchor: Option<&String>) -> bool {
    let is_there = workspace().join(file).exists();
    is_there && anchor.is_none_or(|anchor| anchors(&read(file)).contains(anchor))
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let mut broken = Vec::new();
    for document in documents() {
        let mut links = local_links(&document);
        links.retain(|(file, anchor)| !is_intact(file, anchor.as_ref()));
        broken.extend(links.into_iter().map(|link| (document.clone(), link)));
    }
    assert_eq!(broken, []);
}

/// GitHub and mdBook make different anchors of other letters.
#[test]
fn headings_are_in_ascii() {
    for document in documents() {
        for heading in headings(&read(&document)) {
            assert!(heading.is_ascii(), "{}: {heading}", document.display());
        }
    }
}

/// mdBook publishes the folder `docs` and nothing else.
#[test]
fn pages_of_the_book_link_to_nothing_outside_of_it() {
    assert!(read("book.toml").contains("\nsrc = \"docs\"\n"));
    for document in files_below("docs", "md") {
        for (file, _) in local_links(&document) {
            let link = format!("{} links to {}", document.display(), file.display());
            assert!(file.starts_with("docs"), "{link}");
        }
    }
}

#[test]
fn the_table_of_contents_lists_every_page_once() {
    let mut pages = files_below("docs", "md");
    pages.retain(|page| page != Path::new(SUMMARY));
    let listed = local_links(Path::new(SUMMARY)).into_iter();
    let mut listed: Vec<PathBuf> = listed.map(|(page, _)| page).collect();
    listed.sort();
    assert_eq!(listed, pages);
}

#[test]
fn the_readme_begins_with_the_command_that_starts_the_app_and_the_one_that_tests_it() {
    let readme = read("README.md");
    let commands = readme.lines().filter_map(|line| line.strip_prefix("$ "));
    let first: Vec<&str> = commands.take(2).collect();
    assert_eq!(first, ["cargo run -p sse-starter", "tests/run"]);
}

/// The documents under `docs/` that a text names.
fn named_documents(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split("docs/").skip(1);
    names.filter_map(|rest| {
        let end = rest
            .find(|character: char| !character.is_alphanumeric() && !"-_./".contains(character));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        name.ends_with(".md").then_some(name)
    })
}

#[test]
fn every_document_that_the_code_names_exists() {
    let folders = ["src", "installer/src", "template", "tests", "benches"];
    let files = folders.iter().flat_map(|folder| files_below(folder, "rs"));
    let missing: Vec<(PathBuf, String)> = files
        .flat_map(|file| {
            let text = read(&file);
            let names: Vec<String> = named_documents(&text).map(str::to_owned).collect();
            names.into_iter().map(move |name| (file.clone(), name))
        })
        .filter(|(_, name)| !workspace().join("docs").join(name).exists())
        .collect();
    assert_eq!(missing, []);
}
