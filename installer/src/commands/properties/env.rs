//! Random `.env` files.

use std::collections::BTreeMap;
use std::path::Path;

use actix_web_sse::cli_support::EnvFile;

use proptest::sample::select;

use super::app::{InitialFile, modes, publics};
use super::*;
use crate::editing::env::block::EnvState;
use crate::editing::env::values::{INSTALLED_SETTINGS, default_value};

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nactix-web = \"4\"\n";

const NAMES: &[&str] = &[
    "A",
    "B",
    "RUST_LOG",
    "DATABASE_URL",
    "HOST",
    "PORT",
    "_x",
    "a.b",
    "SSE_TTL",
    "SSE_TOKEN",
    "SSE",
];

const VALUES: &[&str] = &[
    "",
    "1",
    "info,actix=debug",
    "postgres://user:p%40ss@localhost:5432/db?x=y&z",
    "\"two words # no comment\"",
    "'single $A \\n'",
    "\"\\\"escaped\\\" \\\\ \\$ \\n\"",
    "'a'\"b\"c",
    "$A",
    "${A}x$B",
    "\"${SSE_EVENTS}\"",
    "x\\ y",
    "1 # a comment, it's harmless",
    "a#b",
    "\u{e9}\u{1d11e}",
    "\"\u{feff}\"",
    "'line one\nSSE_EVENTS=no\n# >>> sse >>>\nline four'",
    "\"line one\n\n  # no comment\nSSE_POLL_INTERVAL=no\"",
    "\"a \\\" b\n' c\"",
];

const INSTALLED_VALUES: &[&str] = &[
    "",
    "1",
    "a:b,c:d",
    "'300'",
    "\"x:y\" # mine",
    "$A",
    "'a\nb'",
];

const COMMENTS: &[&str] = &[
    "",
    "",
    " ",
    "\t",
    "# a comment",
    "#SSE_EVENTS=a:b",
    "  # SSE_POLL_INTERVAL=9",
    "# it's a \"comment",
    "# sse: created public/ public/js/",
    "# sse: mine",
    "#>>> sse >>>",
    "# >>> other >>>",
    "# SSE_EVENTS='",
];

/// Lines that dotenvy cannot read, or that look like lines of `install`.
const UNREADABLE_OR_LOOKALIKE_LINES: &[&[u8]] = &[
    b"A='open",
    b"A=\"open",
    b"A=two words",
    b"it's",
    b"A=\\",
    b"A=1 \\",
    b"=1",
    b"1A=1",
    b"A",
    b"export",
    b"export A",
    b"A=\xff",
    b"# \xff",
    b"\xfe\xff",
    b"A=\"\\t\"",
    b"A=1# x",
    b"A=`ls`",
    b"A=\0",
    b"\0",
    b"A=\x0c",
    b"\xc2\xa0A=1",
    b"A=${",
    b"A=1\rB=2",
    b"\r",
    b"# >>> sse >>>",
    b"# <<< sse <<<",
    b" # >>> sse >>>",
    b"# >>> sse >>> ",
    b"\xef\xbb\xbfA=1",
];

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let assignment = |names, values| {
        let parts = (
            select(&["", "", "", "export ", " "][..]),
            names,
            select(&["=", "=", "=", " = ", "= "][..]),
            values,
            select(&["", "", "", " ", "\t"][..]),
        );
        parts.prop_map(
            |(export, name, is, value, end): (&str, &str, &str, &str, &str)| {
                format!("{export}{name}{is}{value}{end}").into_bytes()
            },
        )
    };
    let installed_names = select(&["SSE_STREAM_DURATION", "SSE_POLL_INTERVAL", "SSE_EVENTS"][..]);
    prop_oneof![
        60 => assignment(select(NAMES), select(VALUES)),
        10 => assignment(installed_names, select(INSTALLED_VALUES)),
        30 => select(COMMENTS).prop_map(|line| line.as_bytes().to_vec()),
        1 => (1_000..20_000_usize).prop_map(|length| [b"LONG=".to_vec(), vec![b'x'; length]].concat()),
        4 => select(UNREADABLE_OR_LOOKALIKE_LINES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

/// Line endings; most files have one kind only.
fn endings() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        6 => Just(vec!["\n"]),
        3 => Just(vec!["\r\n"]),
        2 => prop::collection::vec(select(&["\n", "\r\n"][..]), 1..4),
        1 => prop::collection::vec(select(&["\n", "\r\n", "\r", "\n\r"][..]), 1..4),
    ]
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    let tail = select(&["", "", "\n", "\n\n\n", "\r\n\r\n", " ", "\r", "\u{feff}"][..]);
    let flags = (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
    );
    (
        prop::collection::vec(lines(), 0..12),
        endings(),
        flags,
        tail,
    )
        .prop_map(|(lines, endings, (bom, cut, has_tail), tail)| {
            let mut file = if bom { "\u{feff}".into() } else { Vec::new() };
            let last = lines.len();
            for (index, line) in lines.into_iter().enumerate() {
                file.extend(line);
                if !(cut && index + 1 == last) {
                    file.extend_from_slice(endings[index % endings.len()].as_bytes());
                }
            }
            if has_tail {
                file.extend_from_slice(tail.as_bytes());
            }
            file
        })
}

fn files() -> impl Strategy<Value = Option<InitialFile>> {
    prop_oneof![1 => Just(None), 40 => (contents(), modes()).prop_map(|(contents, mode)| Some(InitialFile::new(contents, mode)))]
}

/// The values that an app reads. If a key occurs twice, the first counts.
fn read_values(file: &[u8]) -> Option<BTreeMap<String, String>> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut values = BTreeMap::new();
    for item in dotenvy::from_read_iter(file) {
        let (key, value) = item.ok()?;
        values.entry(key).or_insert(value);
    }
    Some(values)
}

fn has_marker(file: &[u8]) -> bool {
    let file = String::from_utf8_lossy(file);
    ["# >>> sse >>>", "# <<< sse <<<"]
        .iter()
        .any(|marker| file.contains(marker))
}

#[test]
fn any_env_file_is_restored_or_refused() {
    let tally = Tally::default();
    for_all(
        2_000,
        || (files(), publics()),
        |(env, public)| {
            let is_installed = |file: &InitialFile| {
                EnvState::new(&file.contents).is_ok_and(|state| state.has_block())
            };
            // Two markers are a block, whoever wrote them, and `uninstall` removes it.
            prop_assume!(!env.as_ref().is_some_and(is_installed));
            let app = RandomApp::new(&InitialFile::new(MANIFEST, 0o644), env.as_ref(), public);
            let InitialFile { contents, mode } = env.unwrap_or_else(|| InitialFile::new("", 0o644));
            // dotenvy cannot read a blank last line unless it ends with a newline.
            let with_newline = [contents.as_slice(), b"\n"].concat();
            let before = read_values(&contents).or_else(|| read_values(&with_newline));
            let outcome = app.install_and_restore(|| {
                let mut expected = before.clone().expect("what cannot be read is refused");
                for setting in INSTALLED_SETTINGS {
                    let default = default_value(setting).to_owned();
                    expected.entry(setting.name.to_owned()).or_insert(default);
                }
                prop_assert_eq!(read_values(&app.read(".env")), Some(expected));
                Ok(())
            })?;
            if matches!(outcome, Outcome::Refused) {
                let has_reason = before.is_none() || mode & 0o200 == 0 || has_marker(&contents);
                prop_assert!(has_reason, "it can be read and written");
            }
            tally.count(&outcome);
            Ok(())
        },
    );
    tally.assert_both_outcomes();
}

/// The values that `sse serve` reads, and that an app in another language probably reads, too.
fn readable_values(file: &[u8]) -> BTreeMap<String, String> {
    let file = EnvFile::new(file.to_vec());
    let mut values = BTreeMap::new();
    for (_, name, value) in file.assignments() {
        let value = value.to_owned();
        values.entry(name.to_owned()).or_insert(value);
    }
    values
}

#[test]
fn any_env_file_of_a_codeigniter_app_is_restored_or_refused() {
    let tally = Tally::default();
    for_all(
        1_000,
        || (files(), publics()),
        |(env, public)| {
            let is_installed = |file: &InitialFile| {
                EnvState::new(&file.contents).is_ok_and(|state| state.has_block())
            };
            prop_assume!(!env.as_ref().is_some_and(is_installed));
            let app = RandomApp::codeigniter(env.as_ref(), public);
            let InitialFile { contents, mode } = env.unwrap_or_else(|| InitialFile::new("", 0o644));
            let with_newline = [contents.as_slice(), b"\n"].concat();
            let before = readable_values(&with_newline);
            let outcome = app.install_and_restore(|| {
                let mut expected = before.clone();
                for setting in INSTALLED_SETTINGS {
                    let default = default_value(setting).to_owned();
                    expected.entry(setting.name.to_owned()).or_insert(default);
                }
                let prefix = ("SSE_DROP_IN_PREFIX".to_owned(), "shop_".to_owned());
                expected.extend([prefix]);
                prop_assert_eq!(readable_values(&app.read(".env")), expected);
                Ok(())
            })?;
            if matches!(outcome, Outcome::Refused) {
                let file = EnvFile::new(with_newline);
                // A quote that is open at the end would swallow the block.
                let has_reason = mode & 0o200 == 0
                    || has_marker(&contents)
                    || file.check(Path::new(".env")).is_err()
                    || file.unreadable_lines().next().is_some();
                prop_assert!(has_reason, "it can be read and written");
            }
            tally.count(&outcome);
            Ok(())
        },
    );
    tally.assert_both_outcomes();
}
