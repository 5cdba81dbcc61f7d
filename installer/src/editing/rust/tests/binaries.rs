//! The files that are binaries.

use std::fs;
use std::path::Path;

use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::rust::binaries::binary_sources;

const LIBRARY_PACKAGE: &str = "[package]\nname = \"app\"\n";

fn sources(manifest: &str, files: &[&str]) -> Vec<String> {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    for file in files {
        let path = app.path().join(file);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("can create the folder");
        fs::write(path, "fn main() {}\n").expect("can write the file");
    }
    let manifest = Manifest::parse(manifest.as_bytes()).expect("valid input");
    binary_sources(app.path(), &manifest).expect("can read the folders")
}

#[test]
fn binaries_are_found_by_cargos_rules() {
    let files = [
        "src/main.rs",
        "src/lib.rs",
        "src/bin/b.rs",
        "src/bin/a/main.rs",
        "src/bin/a/other.rs",
        "src/bin/empty/x.rs",
        "src/bin/notes.txt",
        "server/run.rs",
    ];
    let listing = |more: &str| sources(&format!("{LIBRARY_PACKAGE}{more}"), &files);
    let found = ["src/main.rs", "src/bin/a/main.rs", "src/bin/b.rs"];
    assert_eq!(listing(""), found);
    assert_eq!(listing("autobins = true\n"), found);
    assert_eq!(listing("autobins = false\n"), [""; 0]);
    assert_eq!(
        listing("[[bin]]\nname = \"server\"\npath = \"./server/run.rs\"\n"),
        [
            "src/main.rs",
            "server/run.rs",
            "src/bin/a/main.rs",
            "src/bin/b.rs"
        ]
    );
    let only = |more: &str| listing(&format!("autobins = false\n{more}"));
    assert_eq!(only("[[bin]]\nname = \"app\"\n"), ["src/main.rs"]);
    assert_eq!(
        only("[[bin]]\nname = \"a\"\n[[bin]]\nname = \"b\"\n"),
        found[1..]
    );
    assert_eq!(
        only("bin = [{ name = \"b\" }]\n"),
        [""; 0],
        "a key after `[package]` belongs to that table"
    );
    assert_eq!(only("[[bin]]\nname = \"missing\"\n"), [""; 0]);
    assert_eq!(only("[[bin]]\npath = \"src/bin/b.rs\"\n"), ["src/bin/b.rs"]);
    assert_eq!(
        sources(
            &format!("bin = [{{ name = \"b\" }}]\n{LIBRARY_PACKAGE}autobins = false\n"),
            &files
        ),
        ["src/bin/b.rs"]
    );
}

#[test]
fn a_package_without_binary_files_and_a_workspace_have_no_binaries() {
    assert_eq!(sources(LIBRARY_PACKAGE, &["src/lib.rs"]), [""; 0]);
    assert_eq!(sources("[workspace]\n", &["src/main.rs"]), [""; 0]);
}
