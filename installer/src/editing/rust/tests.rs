//! Tests of inserting and removing the call, byte by byte.

mod binaries;
mod call_sites;
mod layout;
mod property;
mod refusals;
mod removal;
mod unknown_apps;
mod uses;

use super::call_site::{CallSite, Doubt, DoubtReason};
use super::rust_file::{RouteCallRemoval, RustFile};
use super::splice::ROUTES_CALL;

fn parse(file: impl AsRef<[u8]>) -> RustFile {
    let file = file.as_ref();
    RustFile::parse(file)
        .unwrap_or_else(|unclear| panic!("{unclear}:\n{}", String::from_utf8_lossy(file)))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("valid UTF-8")
}

/// Wires a file. Asserts that only the call was inserted, that it is recognised, and that
/// removing it restores every byte.
fn with_call(file: &str) -> String {
    let contents = match parse(file).call_site() {
        CallSite::Insertable(contents) => text(contents),
        verdict => panic!("{verdict:?}:\n{file}"),
    };
    assert_eq!(
        contents.matches(ROUTES_CALL).count(),
        file.matches(ROUTES_CALL).count() + 1
    );
    let again = parse(&contents);
    assert!(
        matches!(again.call_site(), CallSite::Present(_)),
        "{contents}"
    );
    assert_eq!(
        again.without_call(),
        RouteCallRemoval::Removed(file.into()),
        "{contents}"
    );
    contents
}

fn unclear(reason: DoubtReason, lines: &[usize]) -> CallSite {
    CallSite::Doubtful(Doubt {
        reason,
        lines: lines.to_vec(),
    })
}
