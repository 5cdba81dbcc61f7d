//! What must agree with what in this repository.

use crate::markdown::read;

#[test]
fn the_changelog_has_this_version_on_top() {
    let manifest = read("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = "))
        .unwrap()
        .trim_matches('"');
    let changelog = read("CHANGELOG.md");
    let newest = changelog
        .lines()
        .find_map(|line| line.strip_prefix("## "))
        .unwrap();
    assert!(
        newest.starts_with(version) || newest == "Unreleased",
        "{newest}"
    );
}

#[test]
fn the_readme_names_the_rust_version_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let versions = manifest.lines();
    let version = versions
        .filter_map(|line| line.strip_prefix("rust-version = "))
        .next()
        .unwrap()
        .trim_matches('"');
    let needs = format!("Rust {version} or newer");
    assert!(read("README.md").contains(&needs), "{needs}");
}

/// So the starter's tests also hold for a generated app. Three things differ: the name, the source of the
/// library, and the lints, which come from this workspace.
#[test]
fn the_manifest_of_a_generated_app_equals_the_starters() {
    let mut written = String::new();
    let mut applies = true;
    for line in read("template/Cargo.toml.liquid").lines() {
        match line.trim_matches(['{', '%', '-', '}', ' ']) {
            "when \"path\"" => applies = true,
            "when \"git\"" | "else" => applies = false,
            "endcase" => applies = true,
            "case sse_source" => {}
            _ if applies => {
                written.push_str(
                    &line
                        .replace("{{project-name}}", "sse-starter")
                        .replace("'{{sse_path}}'", "\"..\""),
                );
                written.push('\n');
            }
            _ => {}
        }
    }
    written.push_str("\n[lints]\nworkspace = true\n");
    assert_eq!(written, read("template/Cargo.toml"));
}

#[test]
fn the_starters_settings_have_the_values_that_install_writes() {
    let env = read("template/.env");
    for line in [
        "SSE_STREAM_DURATION=15",
        "SSE_POLL_INTERVAL=2",
        "SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2",
    ] {
        assert!(env.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn every_package_inherits_the_lints() {
    for manifest in [
        "Cargo.toml",
        "installer/Cargo.toml",
        "template/Cargo.toml",
        "tests/Cargo.toml",
    ] {
        assert!(
            read(manifest).contains("[lints]\nworkspace = true"),
            "{manifest}"
        );
    }
}
