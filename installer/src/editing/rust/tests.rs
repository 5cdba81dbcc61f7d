//! Tests of inserting and removing the call, byte by byte.

mod binaries;
mod call_sites;
mod layout;
mod property;
mod refusals;
mod removal;
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
    let source = parse(file);
    assert!(
        matches!(source.call_site(), CallSite::Insertable { .. }),
        "{:?}:\n{file}",
        source.call_site()
    );
    let with_call = text(source.with_call().expect("the call site is certain"));
    assert_eq!(
        with_call.matches(ROUTES_CALL).count(),
        file.matches(ROUTES_CALL).count() + 1
    );
    let again = parse(&with_call);
    assert!(
        matches!(again.call_site(), CallSite::Present { .. }),
        "{with_call}"
    );
    assert_eq!(again.with_call(), None, "{with_call}");
    assert_eq!(
        again.without_call(),
        RouteCallRemoval::Removed(file.into()),
        "{with_call}"
    );
    with_call
}

fn unclear(reason: DoubtReason, lines: &[usize]) -> CallSite {
    CallSite::Doubtful(Doubt {
        reason,
        lines: lines.to_vec(),
    })
}
