//! Tests of adding and removing the dependency, byte by byte.

use toml_edit::Document;

use super::*;

const PACKAGE_TABLE: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n";

fn sources() -> [DependencySource; 4] {
    let workspace = |needs_feature| DependencySource::Workspace {
        key: LIBRARY_PACKAGE.to_owned(),
        needs_feature,
    };
    [
        DependencySource::Path("/some where/\u{e9}\"\\x".to_owned()),
        DependencySource::Version("0.1.0".to_owned()),
        workspace(false),
        workspace(true),
    ]
}

fn add(file: &str, source: &DependencySource) -> Result<Vec<u8>, Failure> {
    Manifest::parse(file.as_bytes())?.with_dependency(source)
}

fn remove(file: &[u8]) -> Option<DependencyRemoval> {
    let manifest = Manifest::parse(file).unwrap_or_else(|failure| panic!("{failure}"));
    manifest
        .without_dependency()
        .unwrap_or_else(|failure| panic!("{failure}"))
}

fn find(file: &str) -> LibraryEntry {
    Manifest::parse(file.as_bytes())
        .expect("valid input")
        .library_entry(Some("inherited"))
}

#[test]
fn a_source_is_recognised_in_every_syntax() {
    let path = DependencySource::Path("/lib".to_owned());
    let has = |file: &str| {
        Manifest::parse(file.as_bytes())
            .expect("valid input")
            .has_source(&path)
    };
    assert!(has("[dependencies]\nactix-web-sse = { path = \"/lib\" }\n"));
    assert!(has("[dependencies.actix-web-sse]\npath = '/lib'\n"));
    assert!(!has(
        "[dependencies]\nactix-web-sse = { path = \"/other\" }\n"
    ));
    assert!(!has("[dependencies]\n") && !has(PACKAGE_TABLE));

    let version = DependencySource::Version("0.1.0".to_owned());
    for source in sources().iter().chain([&version]) {
        for file in [PACKAGE_TABLE, "[dependencies.log]\nversion = \"1\"\n"] {
            let with = add(file, source).expect("the dependency can be added");
            let manifest = Manifest::parse(&with).expect("valid input");
            assert!(
                manifest.has_source(source),
                "{}",
                String::from_utf8_lossy(&with)
            );
        }
    }
}

fn nasty() -> Vec<String> {
    let bodies = [
        "",
        "[dependencies]",
        "[dependencies]\n",
        "[dependencies] # mine\n\n# nothing yet\n\n",
        "[dependencies]\nserde = \"1\"",
        "[dependencies]\nserde = \"1\" # why\n# the end",
        "[dependencies]\nserde = \"1\"\n\n[profile.release]\nlto = true\n",
        "[dependencies]\nserde = { version = \"1\", features = [\n  \"derive\", # x\n] }\n\n[[bin]]\nname = \"a\"\npath = \"a\"\n",
        "[dependencies]\nserde.version = \"1\"\nserde.features = [\"derive\"]\n",
        "[dependencies]\nserde = \"1\"\n[dependencies.log]\nversion = \"1\"\n",
        "[dependencies.log]\nversion = \"1\"\n",
        "[dependencies.log]\nversion = \"1\"",
        "[dependencies.log]\nversion = \"1\"\n[dependencies]\nserde = \"1\"\n",
        "[dev-dependencies]\nactix-web-sse = \"1\"\n[target.'cfg(unix)'.dependencies]\nactix-web-sse = \"1\"\n",
        "[ dependencies ]\nserde = '''\n1 # added by sse install\n'''\n",
        "[workspace]\nmembers = [\"a\"]\n",
        "[dependencies]\n\n\n\n",
    ];
    let mut files: Vec<String> = bodies
        .iter()
        .map(|body| format!("{PACKAGE_TABLE}{body}"))
        .collect();
    files.push(format!("dependencies.serde = \"1\"\n{PACKAGE_TABLE}"));
    files.push("[package]\nname = \"app\"".to_owned());
    let crlf: Vec<String> = files
        .iter()
        .map(|file| file.replace('\n', "\r\n"))
        .collect();
    files.extend(crlf);
    let marked: Vec<String> = files.iter().map(|file| format!("\u{feff}{file}")).collect();
    files.extend(marked);
    files.push(format!("[dependencies]\r\nserde = \"1\"\n{PACKAGE_TABLE}"));
    files
}

#[test]
fn remove_restores_every_byte() {
    for file in nasty() {
        for source in sources() {
            let with = add(&file, &source).unwrap_or_else(|failure| panic!("{file:?}: {failure}"));
            assert_ne!(with, file.as_bytes());
            let removal = remove(&with).expect("the added entry exists");
            assert_eq!(
                String::from_utf8_lossy(&removal.text),
                file,
                "{source:?} {}",
                String::from_utf8_lossy(&with)
            );
        }
    }
}

#[test]
fn cargo_reads_the_added_dependency() {
    let with = add(PACKAGE_TABLE, &sources()[0]).expect("the dependency can be added");
    let text = String::from_utf8(with).expect("valid UTF-8");
    let document = Document::parse(text.as_str()).expect("valid input");
    let path = document.as_table()["dependencies"][LIBRARY_PACKAGE]["path"].as_str();
    assert_eq!(path, Some("/some where/\u{e9}\"\\x"));
}

#[test]
fn the_entry_is_added_below_the_last_one() {
    let file = "[dependencies]\na = \"1\"\n\n[lints]\nworkspace = true\n";
    let with = add(file, &DependencySource::Version("0.1.0".to_owned()))
        .expect("the dependency can be added");
    assert_eq!(
        String::from_utf8_lossy(&with),
        "[dependencies]\na = \"1\"\nactix-web-sse = \"0.1.0\" # added by sse install\n\n[lints]\nworkspace = true\n"
    );
}

#[test]
fn an_entry_is_found_in_every_syntax() {
    for (body, found) in [
        (
            "actix-web-sse = \"1\"",
            LibraryEntry::ByOwner(LIBRARY_PACKAGE.to_owned()),
        ),
        (
            "sse = { package = \"actix-web-sse\", version = \"1\" }",
            LibraryEntry::ByOwner("sse".to_owned()),
        ),
        (
            "actix-web-sse.workspace = true",
            LibraryEntry::ByOwner(LIBRARY_PACKAGE.to_owned()),
        ),
        (
            "inherited = { workspace = true }",
            LibraryEntry::ByOwner("inherited".to_owned()),
        ),
        (
            "actix-web-sse = \"1\" # added by sse install",
            LibraryEntry::ByInstall,
        ),
        (
            "actix-web-sse = { package = \"other\", version = \"1\" }",
            LibraryEntry::Absent,
        ),
        ("inherited = \"1\"", LibraryEntry::Absent),
    ] {
        assert_eq!(find(&format!("[dependencies]\n{body}\n")), found, "{body}");
    }
    let table = "[dependencies.actix-web-sse]\nversion = \"1\"\n";
    assert_eq!(
        find(table),
        LibraryEntry::ByOwner(LIBRARY_PACKAGE.to_owned())
    );
    assert_eq!(
        find("[dev-dependencies]\nactix-web-sse = \"1\"\n"),
        LibraryEntry::Absent
    );
    assert_eq!(
        find("[build-dependencies]\nactix-web-sse = \"1\"\n"),
        LibraryEntry::Absent
    );
}

#[test]
fn an_inline_dependencies_table_is_a_conflict_with_the_line_to_add() {
    let file = format!("dependencies = {{ serde = \"1\" }}\n{PACKAGE_TABLE}");
    let failure = add(&file, &sources()[1]).expect_err("nothing can be added");
    assert_eq!(failure.code(), crate::exit::CONFLICT);
    assert!(
        failure.to_string().contains("actix-web-sse = \"0.1.0\""),
        "{failure}"
    );
}

#[test]
fn dependencies_that_are_no_table_are_a_conflict_with_their_type() {
    for (dependencies, expected) in [
        (
            "dependencies = { serde = \"1\" }",
            "the type `inline table`",
        ),
        ("dependencies = \"serde\"", "the type `string`"),
        (
            "[[dependencies]]\nserde = \"1\"",
            "the type `array of tables`",
        ),
    ] {
        let file = format!("{dependencies}\n{PACKAGE_TABLE}");
        let failure = add(&file, &sources()[1]).expect_err("nothing can be added");
        assert!(failure.message().contains(expected), "{failure}");
    }
}

#[test]
fn a_broken_manifest_is_a_conflict_with_its_line_number() {
    let failure = add("[package]\nname = \n", &sources()[1]).expect_err("no TOML");
    assert_eq!(failure.code(), crate::exit::CONFLICT);
    assert!(failure.to_string().contains("line 2"), "{failure}");
}

#[test]
fn entries_that_the_owner_added_below_our_header_keep_it() {
    let with = add(PACKAGE_TABLE, &sources()[1]).expect("the dependency can be added");
    let with = [with.as_slice(), b"serde = \"1\"\n"].concat();
    let removal = remove(&with).expect("the added entry exists");
    let left = String::from_utf8_lossy(&removal.text).into_owned();
    assert_eq!(
        left,
        format!("{PACKAGE_TABLE}[dependencies]\nserde = \"1\"\n")
    );
    assert_eq!(removal.removed, "actix-web-sse = \"0.1.0\"");
}

#[test]
fn a_mark_on_another_packages_line_removes_nothing() {
    for entry in [
        "serde = \"1\"",
        "log = { workspace = true }",
        "sse = { package = \"other\", version = \"1\" }",
        "actix-web-sse = { package = \"other\", version = \"1\" }",
    ] {
        let file = format!("{PACKAGE_TABLE}[dependencies]\n{entry} # added by sse install\n");
        assert_eq!(find(&file), LibraryEntry::Absent);
        for source in sources() {
            if let Ok(with) = add(&file, &source) {
                let removal = remove(&with).expect("the added entry exists");
                assert_eq!(String::from_utf8_lossy(&removal.text), file, "{source:?}");
            }
        }
    }
    let file = "[dependencies]\nactix-web-sse = \"1\"\nserde = \"1\" # added by sse install\n";
    assert_eq!(
        find(file),
        LibraryEntry::ByOwner(LIBRARY_PACKAGE.to_owned())
    );
    assert!(remove(file.as_bytes()).is_none());
}

#[test]
fn an_edited_line_with_the_mark_is_removed() {
    let file = "[dependencies]\nactix-web-sse = { version = \"9\",\n features = [] } # added by sse install\n";
    assert_eq!(find(file), LibraryEntry::ByInstall);
    let removal = remove(file.as_bytes()).expect("the added entry exists");
    assert_eq!(removal.text, b"[dependencies]\n");
}

#[test]
fn the_workspaces_entry_is_inherited() {
    let source = |text: &str| {
        Manifest::parse(text.as_bytes())
            .expect("valid input")
            .workspace_source()
    };
    let inherit = |key: &str, needs_feature| {
        Some(DependencySource::Workspace {
            key: key.to_owned(),
            needs_feature,
        })
    };
    assert_eq!(
        source("[workspace.dependencies]\nactix-web-sse = \"1\"\n"),
        inherit(LIBRARY_PACKAGE, false)
    );
    assert_eq!(
        source(
            "[workspace.dependencies]\nsse = { package = \"actix-web-sse\", path = \"x\", default-features = false }\n"
        ),
        inherit("sse", true)
    );
    assert_eq!(source("[workspace.dependencies]\nserde = \"1\"\n"), None);
}

#[test]
fn random_manifests_are_restored_or_refused() {
    const LINES: &[&str] = &[
        "[package]",
        "name = \"app\"",
        "[dependencies]",
        "[ dependencies ] # x",
        "serde = \"1\"",
        "log = { version = \"1\", features = [\n\"std\", # x\n] } # y",
        "rand.version = \"1\"",
        "[dependencies.tokio]",
        "version = \"1\"",
        "dependencies.time = \"1\"",
        "# a comment",
        "",
        "[features]",
        "text = '''\n[dependencies]\n'''",
        "[dev-dependencies]",
        "[[bin]]",
        "dependencies = { a = \"1\" }",
        "[dependencies.'odd # name']",
        "\t[lints]",
    ];
    let mut random = text::tests::Random(1);
    let (mut restored, mut refused) = (0, 0);
    for round in 0..20_000 {
        let ends = ["\n", "\r\n"];
        let mut file = String::from(if random.below(8) == 0 { "\u{feff}" } else { "" });
        for _ in 0..random.below(9) {
            file.push_str(LINES[random.below(LINES.len())]);
            file.push_str(
                ends[if random.below(8) == 0 {
                    random.below(2)
                } else {
                    round % 2
                }],
            );
        }
        if random.below(3) == 0 {
            file.truncate(file.trim_end_matches(['\r', '\n']).len());
        }
        let Ok(with) = add(&file, &sources()[round % 4]) else {
            refused += 1;
            continue;
        };
        let removal = remove(&with).expect("the added entry exists");
        assert_eq!(String::from_utf8_lossy(&removal.text), file);
        restored += 1;
    }
    assert!(
        restored > 1_000 && refused > 1_000,
        "{restored} restored, {refused} refused"
    );
}

#[test]
fn a_dependency_without_the_feature_of_the_routes_is_recognised() {
    let inherited = |needs_feature| {
        Some(DependencySource::Workspace {
            key: LIBRARY_PACKAGE.to_owned(),
            needs_feature,
        })
    };
    for (entry, workspace, lacks_feature) in [
        ("\"0.1\"", None, false),
        ("{ version = \"0.1\" }", None, false),
        (
            "{ version = \"0.1\", default-features = false }",
            None,
            true,
        ),
        (
            "{ version = \"0.1\", default-features = false, features = [\"actix\"] }",
            None,
            false,
        ),
        (
            "{ version = \"0.1\", default-features = false, features = [\"default\"] }",
            None,
            false,
        ),
        ("{ workspace = true }", inherited(true), true),
        ("{ workspace = true }", inherited(false), false),
        (
            "{ workspace = true, features = [\"actix\"] }",
            inherited(true),
            false,
        ),
    ] {
        let manifest = format!("[dependencies]\nactix-web-sse = {entry}\n");
        let manifest = Manifest::parse(manifest.as_bytes()).expect("it is valid");
        let found = manifest.lacks_feature(LIBRARY_PACKAGE, workspace.as_ref());
        assert_eq!(found, lacks_feature, "{entry}");
    }
}
