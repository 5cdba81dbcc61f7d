//! What crates.io and `cargo binstall` get. `installer/release/check-crates` also compiles it.

use std::process::Command;

use serde_json::Value;
use support::workspace;

use crate::markdown::read;

const PUBLISHED: [&str; 2] = ["actix-web-sse", "sse-cli"];

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(workspace());
    let output = cargo.args(["--locked", "--offline"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The manifests of the packages in this repository that can be published.
fn published() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().clone();
    // `publish = false` is an empty list of registries.
    packages.retain(|package| package["publish"].is_null());
    packages
}

fn texts(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn the_library_and_the_command_are_published_and_nothing_else() {
    let packages = published();
    let mut names: Vec<&str> = packages
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, PUBLISHED);
}

/// crates.io refuses other packages, or shows a page without what users look for.
#[test]
fn published_packages_say_what_they_are() {
    for package in published() {
        let name = &package["name"];
        for field in ["description", "license", "rust_version", "readme"] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        assert!(!texts(&package["categories"]).is_empty(), "{name}");
        let keywords = texts(&package["keywords"]);
        assert!((1..=5).contains(&keywords.len()), "{name}: {keywords:?}");
        for keyword in keywords {
            let of_the_right_form = keyword.len() <= 20
                && keyword.starts_with(|first: char| first.is_ascii_alphanumeric())
                && !keyword.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            assert!(of_the_right_form, "{name}: {keyword}");
        }
    }
}

/// The version of a path is not checked before the package is published.
#[test]
fn the_command_needs_the_library_of_its_own_version() {
    let packages = published();
    let command = packages
        .iter()
        .find(|package| package["name"] == "sse-cli")
        .unwrap();
    let dependencies = command["dependencies"].as_array().unwrap();
    let library = dependencies
        .iter()
        .find(|dependency| dependency["name"] == "actix-web-sse")
        .unwrap();
    let version = command["version"].as_str().unwrap();
    assert_eq!(library["req"], format!("^{version}"));
}

#[test]
fn packages_contain_what_they_need_and_nothing_else() {
    for package in PUBLISHED {
        let list = cargo(&["package", "--list", "--allow-dirty", "--package", package]);
        for file in ["Cargo.toml", "LICENSE", "README.md"] {
            assert!(list.lines().any(|line| line == file), "{package}: {file}");
        }
        let unexpected: Vec<&str> = list
            .lines()
            .filter(|file| {
                let folder = file.split_once('/').map(|(folder, _)| folder);
                folder.is_some_and(|folder| !["src", "assets"].contains(&folder))
            })
            .collect();
        assert!(unexpected.is_empty(), "{package}: {unexpected:?}");
    }
    let library = cargo(&[
        "package",
        "--list",
        "--allow-dirty",
        "--package",
        "actix-web-sse",
    ]);
    for file in ["assets/js/sse.js", "CHANGELOG.md"] {
        assert!(library.lines().any(|line| line == file), "{file}");
    }
}

/// The names that `cargo binstall` asks for are those that the script gives.
#[test]
fn cargo_binstall_finds_the_archives_of_the_release_script() {
    let packages = published();
    let command = packages
        .iter()
        .find(|package| package["name"] == "sse-cli")
        .unwrap();
    let binstall = &command["metadata"]["binstall"];
    let script = read("installer/release/build");
    let folder = "sse-{ version }-{ target }";
    let in_script = folder.replace("{ ", "$").replace(" }", "");
    assert!(script.contains(&format!("local name={in_script} ")));
    assert!(script.contains(">\"$archives/$name.tar.gz\""));
    let url = binstall["pkg-url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/{folder}.tar.gz")), "{url}");
    assert_eq!(binstall["bin-dir"], format!("{folder}/{{ bin }}"));
    assert_eq!(binstall["pkg-fmt"], "tgz");
}

/// Until then, nobody knows the address.
#[test]
fn a_project_with_a_public_repository_says_where_to_report_vulnerabilities() {
    for package in published() {
        if let Some(repository) = package["repository"].as_str() {
            assert!(read("SECURITY.md").contains(repository), "{repository}");
        }
    }
}
