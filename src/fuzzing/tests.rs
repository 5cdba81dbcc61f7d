//! The corpora of the fuzz targets, and mutations of them.

use std::{fs, path::Path};

use super::{decode::decode, *};

/// Calls `property` with each file in the target's corpus, and with files that differ from it.
fn replay(target: &str, property: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("{}: {error}", corpus.display()))
        .map(|item| item.unwrap().path())
        .collect();
    files.sort();
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    inputs.iter().for_each(|input| property(input));
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..MUTATIONS {
        let input = mutated(&mut random, &inputs);
        let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| property(&input)));
        if let Err(panic) = held {
            eprintln!(
                "{target}: seed {seed}, input {:?}",
                String::from_utf8_lossy(&input)
            );
            std::panic::resume_unwind(panic);
        }
    }
}

/// A second or so for each target in a build without optimisation.
const MUTATIONS: usize = 4_000;

/// What parsers stumble over.
const PIECES: [&[u8]; 24] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"'",
    b",",
    b":",
    b"=",
    b"#",
    b"-",
    b".",
    b"18446744073709551615",
    b"9223372036854775807",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\xef\xbb\xbf",
    b"a:1:{i:0;",
    b"export ",
];

fn mutated(random: &mut fastrand::Rng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = inputs[random.usize(..inputs.len())].clone();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=input.len());
        let end = (at + random.usize(..8)).min(input.len());
        match random.u8(..5) {
            0 => drop(input.splice(at..at, PIECES[random.usize(..PIECES.len())].iter().copied())),
            1 => drop(input.drain(at..end)),
            2 if at < input.len() => input[at] = random.u8(..),
            3 => {
                let repeated = input[at..end].repeat(random.usize(1..70));
                input.splice(at..at, repeated);
            }
            _ => {
                let other = &inputs[random.usize(..inputs.len())];
                let from = random.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
    input
}

#[test]
fn a_list_of_events_that_is_read_follows_the_rules() {
    replay("events", |bytes| events(bytes, decode));
}

#[test]
fn an_env_file_is_read_within_bounds_or_refused_in_one_line() {
    replay("env", env);
}

#[test]
fn an_entry_that_is_read_arrives_as_it_is() {
    replay("entry", |bytes| entry(bytes, decode));
}

#[test]
fn a_drop_in_that_is_read_is_kept_as_it_is() {
    replay("drop_in", drop_in);
}

#[test]
fn an_id_that_is_read_displays_as_it_was() {
    replay("last_event_id", last_event_id);
}
