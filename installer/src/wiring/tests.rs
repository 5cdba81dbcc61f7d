//! Files of other people, byte by byte.

mod layout;
mod places;
mod property;
mod refusals;
mod removal;
mod targets;
mod uses;

use super::place::{Unclear, Why};
use super::splice::CALL;
use super::{Place, Source, Unwire};

fn parse(file: impl AsRef<[u8]>) -> Source {
    let file = file.as_ref();
    Source::parse(file)
        .unwrap_or_else(|unclear| panic!("{unclear}:\n{}", String::from_utf8_lossy(file)))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("it was UTF-8")
}

/// Wires a file, and sees that only the call came in, that it is known to be there,
/// and that taking it out gives back every byte.
fn wired(file: &str) -> String {
    let source = parse(file);
    assert!(
        matches!(source.place(), Place::One { .. }),
        "{:?}:\n{file}",
        source.place()
    );
    let wired = text(source.wire().expect("the place is clear"));
    assert_eq!(wired.matches(CALL).count(), file.matches(CALL).count() + 1);
    let again = parse(&wired);
    assert!(matches!(again.place(), Place::Wired { .. }), "{wired}");
    assert_eq!(again.wire(), None, "{wired}");
    assert_eq!(again.unwire(), Unwire::Removed(file.into()), "{wired}");
    wired
}

fn unclear(why: Why, lines: &[usize]) -> Place {
    Place::Unclear(Unclear {
        why,
        lines: lines.to_vec(),
    })
}
