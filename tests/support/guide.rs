//! The worked examples of the documentation, as a user follows them.

use std::fs;

use crate::build::workspace;

/// The code blocks in this language below this heading of docs/getting-started.md, in order.
#[must_use]
pub fn guide_blocks(heading: &str, language: &str) -> Vec<String> {
    blocks_of_document("getting-started.md", heading, language)
}

/// The code blocks in this language below this heading of a document in docs/, in order.
#[must_use]
pub fn blocks_of_document(document: &str, heading: &str, language: &str) -> Vec<String> {
    let document = fs::read_to_string(workspace().join("docs").join(document)).unwrap();
    let section = document.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let begin = format!("\n```{language}\n");
    let blocks = section.split(&begin).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The only code block in this language below this heading of a document in docs/.
#[must_use]
pub fn block_of_document(document: &str, heading: &str, language: &str) -> String {
    let blocks = blocks_of_document(document, heading, language);
    let [block] = <[String; 1]>::try_from(blocks).unwrap();
    block
}
