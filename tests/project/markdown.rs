//! As much of Markdown as the tests of the documents need.

use std::{
    fs,
    path::{Path, PathBuf},
};

use support::workspace;

/// A file of this repository.
#[track_caller]
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = workspace().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files with this extension below a folder, relative to the repository.
pub(crate) fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(workspace().join(&folder)).unwrap() {
            let item = item.unwrap();
            let path = folder.join(item.file_name());
            if item.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The lines that are not in a fenced code block, which may be indented or quoted.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start_matches([' ', '>']).starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of the links and pictures in a line, without those in code spans.
pub(crate) fn link_targets(line: &str) -> Vec<String> {
    let line: String = line.split('`').step_by(2).collect();
    let targets = line.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

/// The headings of a document, without their number signs.
pub(crate) fn headings(text: &str) -> Vec<&str> {
    prose(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect()
}

/// The anchors of a document: GitHub and mdBook make the same ones of headings in ASCII.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for heading in headings(text) {
        let slug = slug(heading);
        let is_free = |candidate: &String| !anchors.contains(candidate);
        let mut candidates =
            std::iter::once(slug.clone()).chain((1..).map(|number| format!("{slug}-{number}")));
        let anchor = candidates.find(is_free).unwrap();
        anchors.push(anchor);
    }
    anchors
}

fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ if character.is_alphanumeric() => Some(character.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[test]
fn anchors_are_those_of_github_and_mdbook() {
    let text =
        "# `new SseClient(url, options)`\n```sh\n# no heading\n```\n## A_b, c-d\n## A_b, c-d\n";
    let expected = ["new-sseclienturl-options", "a_b-c-d", "a_b-c-d-1"];
    assert_eq!(anchors(text), expected);
}
