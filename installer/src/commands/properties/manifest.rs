//! Random manifests.

use std::process::Command;

use proptest::sample::{select, subsequence};
use serde_json::Value;

use super::app::{InitialFile, Public, modes};
use super::*;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::LIBRARY_PACKAGE;
use crate::editing::manifest::edits::LibraryEntry;

const PACKAGES: &[&str] = &[
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    "[package] # mine\nname='app'\nversion = '0.1.0' # added by sse install\n\n",
    "package = { name = \"app\", version = \"0.1.0\" }\n",
    "package.name = \"app\"\npackage.version = \"0.1.0\"\n",
    "# A file.\n\n[package]\nversion = \"0.1.0\"\n\tname = \"app\"\ndescription = \"\"\"\n[dependencies]\nactix-web-sse = \"1\"\n\"\"\"\n",
    "[\"package\"]\nname = \"app\"\n\"version\" = \"0.1.0\"\n",
];

/// Lines for the root of the file, before any table.
const DOTTED: &[&str] = &[
    "dependencies.serde = \"1\"\n",
    "dependencies.serde = { version = \"1\" }\ndependencies.log.version = \"0.4\"\n",
    "dependencies = { serde = \"1\" }\n",
    "cargo-features = []\n",
];

const HEADERS: &[&str] = &[
    "[dependencies]",
    "[dependencies]",
    "[dependencies] # mine",
    "[ dependencies ]",
    "\t[dependencies]  ",
    "[\"dependencies\"]",
    "['dependencies']",
];

const ENTRIES: &[&str] = &[
    "actix-web = \"4\"",
    "serde = \"1\" # why",
    "serde_json = { version = \"1\", features = [\n    \"raw_value\", # x\n    # y\n] } # z",
    "rand.version = \"0.9\"",
    "tokio = {version=\"1\",default-features=false}",
    "log = { workspace = true }",
    "time.workspace = true",
    "\"quoted\" = '1'",
    "  indented = \"1\"",
    "web = { package = \"actix-web\", version = \"4\" }",
    "local = { path = \"local\", version = '''1''' }",
    "# a comment",
    "# actix-web-sse = \"1\" # added by sse install",
    "",
    "",
];

/// The library as the owner's dependency.
const LIBRARY: &[&str] = &[
    "actix-web-sse = \"0.1\"",
    "actix-web-sse = { path = \"../sse\" }",
    "sse = { package = \"actix-web-sse\", version = \"0.1\" }",
    "actix-web-sse.version = \"0.1\"",
    "actix-web-sse = { workspace = true }",
];

const SECTIONS: &[&str] = &[
    "[dependencies.regex]\nversion = \"1\"\nfeatures = [ ]\n",
    "[dependencies.uuid]\nversion = \"1\"\n",
    "[dev-dependencies]\nactix-web-sse = \"1\"\n",
    "[build-dependencies]\ncc = \"1\"\n",
    "[target.'cfg(unix)'.dependencies]\nactix-web-sse = \"1\"\nlibc = \"0.2\"\n",
    "[target.\"cfg(windows)\".dependencies.winapi]\nversion = \"0.3\"\n",
    "[features]\ndefault = [ \"one\" ]\none = []\n",
    "[[bin]]\nname = \"app\"\npath = \"src/main.rs\"\n",
    "[profile.release]\nlto = true # fast\n",
    "[patch.crates-io]\nserde = { git = \"https://example.org/serde\" }\n",
    "[patch.crates-io.log]\npath = \"log\"\n",
    "[lints.rust]\nunsafe_code = \"forbid\"\n",
    "[package.metadata.x]\ntext = '''\n[dependencies]\nactix-web-sse = \"1\" # added by sse install\n'''\n",
    "[workspace]\nresolver = \"2\"\n",
    "[workspace.dependencies]\nlog = \"0.4\"\ntime = \"0.3\"\n",
    "# [dependencies]\n# the end\n",
    "\n\n\n",
];

const INHERITED: &str =
    "[workspace.dependencies]\nactix-web-sse = { path = \"../sse\", default-features = false }\n";

/// Text that cargo rejects, or that looks like text of `install`.
const INVALID_OR_LOOKALIKE_TEXT: &[&str] = &[
    "[dependencies]\n",
    "[dependencies\n",
    "name = \n",
    "[package]\n",
    "[dependencies]\nserde = \"1\" # added by sse install\n",
    "[dependencies.serde] # added by sse install\nversion = \"1\"\n",
    "[profile.dev] # added by sse install\n",
    "\u{0}\n",
    "[[dependencies]]\n",
    "[a]\n[a.dependencies]\nactix-web-sse = \"1\" # added by sse install\n",
];

fn contents() -> impl Strategy<Value = String> {
    let dotted = prop_oneof![8 => Just(""), 1 => select(DOTTED)];
    let library = prop_oneof![6 => Just(None), 1 => select(LIBRARY).prop_map(Some)];
    let entries = subsequence(ENTRIES, 0..6).prop_shuffle();
    let table = (select(HEADERS), entries, library).prop_map(|(header, mut entries, library)| {
        entries.extend(library);
        [&[header], entries.as_slice(), &[""]].concat().join("\n")
    });
    let table = prop_oneof![1 => Just(String::new()), 4 => table];
    let sections = subsequence(SECTIONS, 0..6).prop_shuffle();
    let extra = prop_oneof![
        12 => Just(""),
        1 => Just(INHERITED),
        2 => select(INVALID_OR_LOOKALIKE_TEXT),
    ];
    let shape = (
        0..8_usize,
        0..8_usize,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.3),
    );
    let ending = select(&["\n", "\n", "\n", "\r\n", "\r\n", "mixed"][..]);
    let parts = (dotted, select(PACKAGES), table, sections, extra);
    (parts, shape, ending).prop_map(
        |((dotted, package, table, sections, extra), shape, ending)| {
            let (at, extra_at, bom, cut) = shape;
            let mut sections: Vec<&str> = sections;
            sections.insert(at.min(sections.len()), &table);
            sections.insert(extra_at.min(sections.len()), extra);
            let mut file = if bom {
                String::from("\u{feff}")
            } else {
                String::new()
            };
            file.push_str(dotted);
            file.push_str(package);
            file.extend(sections);
            if cut {
                file.truncate(file.trim_end().len());
            }
            match ending {
                "mixed" => {
                    let lines = file.split_inclusive('\n').enumerate();
                    lines
                        .map(|(index, line)| {
                            if index % 3 == 1 {
                                line.replace('\n', "\r\n")
                            } else {
                                line.to_owned()
                            }
                        })
                        .collect()
                }
                ending => file.replace('\n', ending),
            }
        },
    )
}

fn files() -> impl Strategy<Value = InitialFile> {
    (contents(), modes()).prop_map(|(contents, mode)| InitialFile::new(contents, mode))
}

/// The file's values without the library.
fn other_values(file: &[u8]) -> Option<Value> {
    let mut values = Manifest::parse(file).ok()?.values_without("actix-web-sse");
    if let Some(dependencies) = values["dependencies"].as_object_mut() {
        dependencies.remove("sse");
        if dependencies.is_empty() {
            values["dependencies"].take();
        }
    }
    Some(values)
}

/// Whether cargo can read the app's manifest.
fn cargo_accepts(app: &RandomApp) -> bool {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let output = cargo.current_dir(app.path()).output();
    output.expect("cargo is missing").status.success()
}

#[test]
fn any_manifest_is_restored_or_refused() {
    let tally = Tally::default();
    let (asked, number) = (AtomicU32::new(0), AtomicU32::new(0));
    // Relaxed suffices for both counters: they are read after all threads were joined.
    // Running cargo takes longer than everything else, so a normal run asks it about one case in ten.
    let every = if is_long_run() { 1 } else { 10 };
    for_all(500, files, |manifest| {
        let app = RandomApp::new(&manifest, None, Public::Nothing);
        let is_asked = number.fetch_add(1, Ordering::Relaxed) % every == 0;
        let accepted = is_asked && cargo_accepts(&app);
        let outcome = app.install_and_restore(|| {
            let with = app.read("Cargo.toml");
            let found = Manifest::parse(&with)
                .map(|manifest| manifest.library_entry(Some(LIBRARY_PACKAGE)));
            prop_assert!(
                !matches!(found, Ok(LibraryEntry::Absent) | Err(_)),
                "{:?}",
                found
            );
            prop_assert_eq!(other_values(&with), other_values(&manifest.contents));
            if accepted {
                asked.fetch_add(1, Ordering::Relaxed);
                prop_assert!(cargo_accepts(&app), "{}", String::from_utf8_lossy(&with));
            }
            Ok(())
        })?;
        tally.count(&outcome);
        Ok(())
    });
    tally.assert_both_outcomes();
    let (asked, number) = (asked.into_inner(), number.into_inner());
    // About half are accepted and installed. Which cases cargo is asked about is random, and
    // among fifty less than a third may be accepted.
    assert!(
        asked * 6 * every > number,
        "cargo was asked about {asked} of {number}"
    );
}
