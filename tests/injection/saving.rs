//! Every way to save a value.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    process::{Output, Stdio},
};

use actix_web_sse::{Cache, ErrorKind};
use fastrand::Rng;
use support::{App, number_in_id};

use crate::{
    cases::{self, Argument, Expected, SaveArgument},
    names::INVALID_KEYS,
    parsers::wait_until_taken,
};

/// Saves with the library, in order. Some additional saves must be refused.
pub(crate) fn by_library(
    rng: &mut Rng,
    cache: &Cache,
    keys: &[String],
    count: usize,
) -> Vec<Expected> {
    let mut number = None;
    (0..count)
        .map(|_| {
            if rng.u8(..20) == 0 {
                assert_refused(rng, cache, &keys[0]);
            }
            let key = &keys[rng.usize(..keys.len())];
            let (argument, expected) = cases::for_the_library(rng, key);
            let saved = match argument {
                SaveArgument::Typed(value) => cache.save_blocking(key, value),
                SaveArgument::Raw(value) => cache.save_blocking(key, value),
            };
            let saved = saved.unwrap_or_else(|error| panic!("{expected:?}: {error}"));
            let saved = number_in_id(&saved.to_string());
            assert!(
                number.is_none_or(|before: u64| saved == before + 1),
                "a refused save took a number"
            );
            number = Some(saved);
            expected
        })
        .collect()
}

fn assert_refused(rng: &mut Rng, cache: &Cache, valid_key: &str) {
    let (kind, error) = match rng.u8(..4) {
        0 => {
            let key = INVALID_KEYS[rng.usize(..INVALID_KEYS.len())];
            (ErrorKind::Key, cache.save_blocking(key, 1))
        }
        1 => {
            let at = rng.usize(..=valid_key.len());
            let (before, after) = valid_key.split_at_checked(at).unwrap_or((valid_key, ""));
            let control = char::from(if rng.bool() {
                rng.u8(..0x20)
            } else {
                rng.u8(0x7f..0xa0)
            });
            (
                ErrorKind::Key,
                cache.save_blocking(format!("{before}{control}{after}"), 1),
            )
        }
        2 => {
            let (json, _) = cases::huge(rng, 64 * 1024 + 1);
            let json = serde_json::value::RawValue::from_string(json).unwrap();
            (ErrorKind::Value, cache.save_blocking(valid_key, json))
        }
        _ => (
            ErrorKind::Value,
            cache.save_blocking(valid_key, HashMap::from([((1, 2), 3)])),
        ),
    };
    let error = error.expect_err("this save must be refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

/// Writes one drop-in for each of these keys, and waits until all were ingested. The server chooses
/// their order.
pub(crate) fn by_drop_in(rng: &mut Rng, app: &App, keys: &[String]) -> (Vec<Expected>, usize) {
    let mut all_expected = Vec::new();
    for key in keys {
        let (bytes, expected) = cases::drop_in(rng, key);
        let path = app.cache().join(key);
        if rng.bool() {
            fs::write(&path, bytes).unwrap();
        } else {
            let temporary = app.cache().join("not a key");
            fs::write(&temporary, bytes).unwrap();
            fs::rename(temporary, path).unwrap();
        }
        all_expected.extend(expected);
    }
    keys.iter()
        .for_each(|key| wait_until_taken(&app.cache().join(key)));
    let broken = keys.len() - all_expected.len();
    (all_expected, broken)
}

/// Runs `sse save` for each of these keys, in order.
pub(crate) fn by_command(rng: &mut Rng, app: &App, events: &str, keys: &[String]) -> Vec<Expected> {
    keys.iter()
        .map(|key| {
            if rng.u8(..10) == 0 {
                let invalid_text = Argument {
                    value: String::new(),
                    as_text: true,
                    by_stdin: true,
                };
                let output = sse_save(app, events, key, &invalid_text, b"\xed\xa0\x80");
                assert_eq!(output.status.code(), Some(1), "{output:?}");
            }
            let (argument, expected) = cases::for_the_command(rng, key);
            let output = sse_save(app, events, key, &argument, argument.value.as_bytes());
            assert!(output.status.success(), "{expected:?}: {output:?}");
            expected
        })
        .collect()
}

fn sse_save(app: &App, events: &str, key: &str, argument: &Argument, input: &[u8]) -> Output {
    let mut command = app.sse();
    command.env("SSE_EVENTS", events).arg("save").arg("--quiet");
    if argument.as_text {
        command.arg("--text");
    }
    let value = if argument.by_stdin {
        "-"
    } else {
        &argument.value
    };
    let mut child = command
        .args(["--", key, value])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may have exited without reading.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(if argument.by_stdin { input } else { b"" });
    child.wait_with_output().unwrap()
}
