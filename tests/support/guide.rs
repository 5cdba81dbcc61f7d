//! The worked example of the documentation, as a user follows it.

use std::fs;

use crate::build::workspace;

/// The code blocks in this language below this heading of docs/getting-started.md, in order.
#[must_use]
pub fn guide_blocks(heading: &str, language: &str) -> Vec<String> {
    let guide = fs::read_to_string(workspace().join("docs/getting-started.md")).unwrap();
    let section = guide.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let begin = format!("\n```{language}\n");
    let blocks = section.split(&begin).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}
