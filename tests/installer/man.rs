//! `sse man`, with man-db.

use std::{fs, path::Path, process::Command};

use crate::hello::{Hello, Ran};

/// The page as a terminal of 80 columns shows it. Warnings of man are errors.
#[track_caller]
fn render(file: &Path) -> String {
    let mut man = Command::new("man");
    man.args(["--warnings", "--local-file"]).arg(file);
    let output = man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8").output();
    let ran = Ran::from_output(&output.expect("man is missing"));
    assert_eq!((ran.code, &*ran.err), (0, ""), "{}", file.display());
    // Without bold letters as pairs of a letter and a backspace.
    let bold = ran
        .out
        .char_indices()
        .filter(|(at, _)| !ran.out[*at..].starts_with('\u{8}'));
    bold.map(|(_, letter)| letter).collect()
}

#[test]
fn a_page_is_written_for_each_command_and_man_shows_it() {
    let hello = Hello::new();
    let dir = hello.outside().join("share/man/man1");
    let ran = hello.sse(&["man", dir.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut names: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let commands = [
        "completions",
        "delete",
        "doctor",
        "get",
        "install",
        "listen",
        "man",
        "revoke",
        "save",
        "serve",
        "status",
        "uninstall",
    ];
    let expected = commands.map(|command| format!("sse-{command}.1"));
    assert_eq!(names, [&expected[..], &["sse.1".to_owned()]].concat());
    for name in &names {
        let page = render(&dir.join(name));
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(
                page.lines().any(|line| line == section),
                "{name}, {section}: {page}"
            );
        }
        assert!(!page.contains("EXTRA"), "{page}");
    }
    let save = render(&dir.join("sse-save.1"));
    let example = "sse save orders '{\"id\": 42, \"total\": 9.5}'";
    assert!(
        save.contains("EXAMPLES\n") && save.contains(example),
        "{save}"
    );
    assert!(render(&dir.join("sse.1")).contains("EXIT STATUS\n"));
    assert_eq!(
        hello.sse(&["man"]).out,
        fs::read_to_string(dir.join("sse.1")).unwrap()
    );
}

#[test]
fn a_folder_that_cannot_be_created_is_an_error() {
    let hello = Hello::new();
    let below_a_file = hello.path().join("Cargo.toml/man1");
    hello
        .sse(&["man", below_a_file.to_str().unwrap()])
        .fails(1, "cannot create the folder");
}
