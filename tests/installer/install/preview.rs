//! What `sse install` shows before it writes: dry runs, diffs, and files that it does not overwrite.

use super::times;
use crate::hello::Hello;

#[test]
fn a_dry_run_prints_everything_and_changes_nothing() {
    let hello = Hello::with(&[(".env", "A=1\n")]);
    let (tree, written) = (hello.tree(), times(&hello));
    let ran = hello.sse(&["install", "--dry-run"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    for text in [
        "Updated Cargo.toml (with ",
        "Updated .env\n",
        "Created public/js/sse.js\n",
        "warning: dry run: nothing was changed\n",
    ] {
        assert!(ran.err.contains(text), "{text:?} is missing:\n{}", ran.err);
    }
    assert_eq!((hello.tree(), times(&hello)), (tree, written));

    hello.sse_succeeds(&["install"]);
    let (tree, written) = (hello.tree(), times(&hello));
    let ran = hello.sse(&["uninstall", "-n"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("Removed public/\n"), "{}", ran.err);
    assert!(
        ran.err.ends_with("warning: dry run: nothing was changed\n"),
        "{}",
        ran.err
    );
    assert_eq!((hello.tree(), times(&hello)), (tree, written));
}

#[cfg(feature = "tools")]
#[test]
fn a_created_env_file_that_git_does_not_ignore_is_a_warning() {
    const WARNING: &str = "git does not ignore .env";
    let warns = |hello: &Hello| hello.sse(&["install"]).err.contains(WARNING);
    let repository = || {
        let hello = Hello::new();
        let git = std::process::Command::new("git")
            .args(["init", "--quiet"])
            .current_dir(hello.path())
            .status();
        assert!(git.expect("git is missing").success());
        hello
    };
    let hello = repository();
    assert!(warns(&hello));
    assert!(!warns(&hello), "it is there now, and its owner knows");
    let ignored = repository();
    ignored.write(".gitignore", ".env\n");
    assert!(!warns(&ignored));
    let owners = repository();
    owners.write(".env", "A=1\n");
    assert!(!warns(&owners));
    assert!(!warns(&Hello::new()), "outside of a repository");
}

#[cfg(feature = "tools")]
#[test]
fn git_can_apply_the_diff() {
    let hello = Hello::with(&[(".env", "A=1")]);
    let before = hello.tree();
    let install = hello.sse(&["install", "--diff"]);
    assert_eq!((install.code, install.err.as_str()), (0, ""));
    assert_eq!(hello.tree(), before);
    hello.sse_succeeds(&["install"]);
    let installed = hello.tree();
    let uninstall = hello.sse(&["uninstall", "--diff"]);
    assert_eq!(hello.tree(), installed);

    apply(&hello, &uninstall.out);
    assert_eq!(files(hello.tree()), files(before));
    apply(&hello, &install.out);
    assert_eq!(files(hello.tree()), files(installed));
}

#[cfg(feature = "tools")]
fn files(tree: crate::hello::Tree) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = tree.into_iter();
    files
        .filter_map(|(path, contents)| Some((path, contents?)))
        .collect()
}

#[cfg(feature = "tools")]
fn apply(hello: &Hello, diff: &str) {
    use std::{io::Write, process::Stdio};

    let mut git = std::process::Command::new("git")
        .args(["apply", "-"])
        .current_dir(hello.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is missing");
    let mut input = git.stdin.take().unwrap();
    input.write_all(diff.as_bytes()).unwrap();
    drop(input);
    let output = git.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{diff}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_edited_script_is_shown_and_overwritten_only_by_force() {
    let hello = Hello::with(&[("public/js/sse.js", "// edited\n")]);
    let before = hello.tree();
    for arguments in [&["install"][..], &["install", "--dry-run"]] {
        hello
            .sse(arguments)
            .fails(3, "public/js/sse.js was modified");
    }
    let ran = hello.sse(&["install", "--diff"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("\n-// edited\n"), "{}", ran.out);
    assert_eq!(hello.tree(), before);
    hello.sse_succeeds(&["install", "--force"]);
    assert!(hello.read("public/js/sse.js").contains("SseClient"));
    assert_eq!(hello.sse(&["status"]).code, 0);
}
