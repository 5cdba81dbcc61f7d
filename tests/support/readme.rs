//! The README as a user follows it.

use std::fs;

use crate::build::workspace;

/// The blocks of code below this heading that are in this language, in order.
#[must_use]
pub fn readme_blocks(heading: &str, language: &str) -> Vec<String> {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let begin = format!("\n```{language}\n");
    let blocks = section.split(&begin).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}
