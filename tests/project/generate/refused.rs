//! What cannot become an app is refused, with what to do.

use std::{fs, path::Path};

use super::checkout::{checkout, said};

/// Runs cargo-generate, which must fail, and returns what it says.
#[track_caller]
fn refused(destination: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["--path", ".", "template"];
    all.extend(arguments);
    let output = checkout().try_generate(destination, &all);
    let said = said(&output);
    assert!(!output.status.success(), "{arguments:?}: {said}");
    said
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
        let said = refused(&folder, &["--silent", "--name", name]);
        assert!(said.contains("an app cannot be called"), "{name}: {said}");
        assert!(said.contains("choose another name"), "{name}: {said}");
        assert!(is_empty(&folder), "{name}");
    }
}

/// cargo-generate has made the folder before it asks, and the answer is looked at after that.
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
    assert!(said(&output).contains(&help), "{}", said(&output));
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
        let said = refused(
            &folder,
            &[&["--silent", "--name", "my-app"], values].concat(),
        );
        assert!(said.contains(help), "{values:?}: {said}");
        let made = folder.join("my-app");
        assert!(is_empty(&made), "{values:?}");
        fs::remove_dir(made).unwrap();
    }
}
