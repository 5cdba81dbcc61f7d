//! The code: how long its files are, and in which direction its modules depend on each other.

use std::path::{Component, Path, PathBuf};

use crate::markdown::{files_below, read};

/// A longer file has more than one reason to change.
const MAX_LINES: usize = 400;

/// The modules of the library. Each uses only those before it.
const LAYERS: &[&str] = &[
    "error",
    "audience",
    "key",
    "epoch",
    "event_id",
    "trace_parent",
    "entry",
    "platform",
    "runtime",
    "gap",
    "observe",
    "spans",
    "config",
    "journal",
    "ingest",
    "cache",
    "hub",
    "http",
    "dashboard",
    "bench_support",
    "cli_support",
    "testing",
];

fn code() -> impl Iterator<Item = PathBuf> {
    let folders = [
        "assets",
        "benches",
        "client",
        "fuzz",
        "installer",
        "src",
        "template",
        "tests",
    ];
    let extensions = ["rs", "js", "mjs", "ts", "css", "html"];
    let pairs = folders
        .into_iter()
        .flat_map(move |folder| extensions.map(|extension| (folder, extension)));
    let files = pairs.flat_map(|(folder, extension)| files_below(folder, extension));
    files.filter(|file| !is_of_others(file))
}

/// Whether cargo or npm put the file there.
fn is_of_others(file: &Path) -> bool {
    let mut folders = file.components().map(Component::as_os_str);
    folders.any(|folder| folder == "target" || folder == "node_modules")
}

#[test]
fn no_file_has_more_than_400_lines() {
    let lines = code().map(|file| (read(&file).lines().count(), file));
    let long: Vec<_> = lines.filter(|(lines, _)| *lines > MAX_LINES).collect();
    assert!(long.is_empty(), "{long:?}");
}

/// The module of `src/` that a file belongs to.
fn layer_of(file: &Path) -> Option<usize> {
    let module = file.components().nth(1)?.as_os_str().to_str()?;
    position(module.trim_end_matches(".rs"))
}

fn position(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

/// The modules of the library that a text names after `crate::`, also in a list in braces.
fn used_layers(text: &str) -> impl Iterator<Item = usize> {
    let uses = text.split("crate::").skip(1);
    uses.flat_map(|rest| {
        let names = match rest.strip_prefix('{') {
            Some(list) => top_level_names(list),
            None => vec![first_name(rest)],
        };
        names.into_iter().filter_map(position)
    })
}

fn first_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The first name of each item of a list, up to its closing brace.
fn top_level_names(list: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (1, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            names.push(first_name(list[start..at].trim_start()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

#[test]
fn modules_of_the_library_use_only_modules_before_them() {
    let mut wrong = Vec::new();
    for file in files_below("src", "rs") {
        let Some(layer) = layer_of(&file) else {
            continue;
        };
        // Tests may use any module.
        if file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs") {
            continue;
        }
        let text = read(&file);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect();
        for used in used_layers(&code).filter(|used| *used > layer) {
            wrong.push(format!("{} uses {}", file.display(), LAYERS[used]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_layers_are_all_that_the_library_has() {
    let layers = files_below("src", "rs").into_iter().filter_map(|file| {
        let name = file
            .strip_prefix("src")
            .ok()?
            .to_str()?
            .strip_suffix(".rs")?
            .to_owned();
        (!name.contains('/')).then_some(name)
    });
    let outside = ["client_files", "fuzzing", "lib"];
    let unknown: Vec<_> = layers
        .filter(|name| position(name).is_none() && !outside.contains(&name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn uses_are_found_in_lists_and_paths() {
    let text = "use crate::{\n    entry::{self, Entry},\n    journal::file::A,\n};\nlet x = crate::hub::Y;";
    let found: Vec<_> = used_layers(text).map(|used| LAYERS[used]).collect();
    assert_eq!(found, ["entry", "journal", "hub"]);
}
