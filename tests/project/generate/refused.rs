//! Invalid answers are refused, with a help.

use std::{fs, path::Path};

use super::checkout::{checkout, printed};

/// Runs cargo-generate, which must fail, and returns its output.
#[track_caller]
fn refused(destination: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["--path", ".", "template"];
    all.extend(arguments);
    let output = checkout().try_generate(destination, &all);
    let printed = printed(&output);
    assert!(!output.status.success(), "{arguments:?}: {printed}");
    printed
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_name_that_cargo_would_refuse_leaves_nothing_behind() {
    let folder = checkout().destination("names");
    let manifest = checkout().generate(&folder, "names", &["sse_source=registry"]);
    let package = manifest.package();
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    let dependencies = dependencies.map(|dependency| dependency["name"].as_str().unwrap());
    fs::remove_dir_all(manifest.path()).unwrap();

    let names = [
        "1abc",
        "build",
        "Build",
        "deps",
        "examples",
        "incremental",
        "test",
        "core",
        "proc-macro",
        "fn",
        "match",
        "self",
        "true",
        "w\u{f6}rld",
        "?",
    ];
    for name in names.into_iter().chain(dependencies) {
        let printed = refused(&folder, &["--silent", "--name", name]);
        assert!(
            printed.contains("an app cannot be called"),
            "{name}: {printed}"
        );
        assert!(printed.contains("choose another name"), "{name}: {printed}");
        assert!(is_empty(&folder), "{name}");
    }
}

/// cargo-generate creates the folder before it prompts, and the answer is checked after that.
#[test]
fn an_invalid_name_is_refused_and_the_empty_folder_is_named() {
    let folder = checkout().destination("answers");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo
        .args([
            "generate",
            "--path",
            ".",
            "template",
            "--no-workspace",
            "-d",
        ])
        .args([
            "sse_source=registry",
            "-d",
            "sse_version=0.1",
            "--destination",
        ])
        .arg(&folder)
        .env("CARGO_GENERATE_VALUE_PROJECT_NAME", "build")
        .env("CARGO_NAME", "tests")
        .current_dir(checkout().path());
    let output = cargo.output().unwrap();
    let made = folder.join("build");
    assert!(!output.status.success());
    let help = format!("remove the empty folder {}", made.display());
    assert!(printed(&output).contains(&help), "{}", printed(&output));
    assert!(is_empty(&made));
}

#[test]
fn a_missing_library_is_refused() {
    let folder = checkout().destination("nowhere");
    for (values, help) in [
        (&["-d", "sse_source=git"][..], "add `-d sse_git=URL`"),
        // The default, where the folder beside the app is not a checkout.
        (&[], "name its folder with `-d sse_path=DIR`"),
        (&["-d", "sse_path=it's here"], "contains a single quote"),
        (
            &["-d", "sse_source=elsewhere"],
            "not a valid value for sse_source",
        ),
    ] {
        let printed = refused(
            &folder,
            &[&["--silent", "--name", "my-app"], values].concat(),
        );
        assert!(printed.contains(help), "{values:?}: {printed}");
        let made = folder.join("my-app");
        assert!(is_empty(&made), "{values:?}");
        fs::remove_dir(made).unwrap();
    }
}
