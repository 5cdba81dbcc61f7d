//! Checks the properties with the corpora of the fuzz targets, and with mutations of them.

use std::{fs, path::Path};

use super::{decode::decode, *};

/// Calls `property` with each file in the target's corpus, and with random mutations of the files.
fn check_corpus(target: &str, property: impl Fn(&[u8])) {
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
    for _ in 0..MUTATIONS_PER_TARGET {
        let input = mutate(&mut random, &inputs);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| property(&input)));
        if let Err(panic) = result {
            eprintln!(
                "{target}: seed {seed}, input {:?}",
                String::from_utf8_lossy(&input)
            );
            std::panic::resume_unwind(panic);
        }
    }
}

/// About one second per target in a build without optimisation.
const MUTATIONS_PER_TARGET: usize = 4_000;

/// Byte sequences that parsers often mishandle.
const TRICKY_BYTES: [&[u8]; 24] = [
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

fn mutate(random: &mut fastrand::Rng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = inputs[random.usize(..inputs.len())].clone();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=input.len());
        let end = (at + random.usize(..8)).min(input.len());
        match random.u8(..5) {
            0 => drop(
                input.splice(
                    at..at,
                    TRICKY_BYTES[random.usize(..TRICKY_BYTES.len())]
                        .iter()
                        .copied(),
                ),
            ),
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
fn an_accepted_list_of_events_follows_the_rules() {
    check_corpus("events", |bytes| check_events(bytes, decode));
}

#[test]
fn an_env_file_is_accepted_within_bounds_or_rejected_in_one_line() {
    check_corpus("env", check_env);
}

#[test]
fn an_accepted_entry_arrives_unchanged() {
    check_corpus("entry", |bytes| check_entry(bytes, decode));
}

#[test]
fn an_accepted_drop_in_is_saved_unchanged() {
    check_corpus("drop_in", check_drop_in);
}

#[test]
fn an_accepted_id_displays_as_it_was_parsed() {
    check_corpus("last_event_id", check_last_event_id);
}
