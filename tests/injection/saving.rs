//! All the ways into the cache.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    process::{Output, Stdio},
};

use actix_web_sse::{Cache, ErrorKind};
use fastrand::Rng;
use support::App;

use crate::{
    cases::{self, Argument, Given, Wanted},
    names::BAD_KEYS,
    parsers::gone,
};

/// Saves by the library, in order. Beside each some that are to be refused, and are.
pub(crate) fn by_library(
    rng: &mut Rng,
    cache: &Cache,
    keys: &[String],
    count: usize,
) -> Vec<Wanted> {
    let mut number = None;
    (0..count)
        .map(|_| {
            if rng.u8(..20) == 0 {
                refused(rng, cache, &keys[0]);
            }
            let key = &keys[rng.usize(..keys.len())];
            let (given, wanted) = cases::for_the_library(rng, key);
            let saved = match given {
                Given::Typed(value) => cache.save_blocking(key, value),
                Given::Raw(value) => cache.save_blocking(key, value),
            };
            let saved = saved.unwrap_or_else(|error| panic!("{wanted:?}: {error}"));
            assert!(
                number.is_none_or(|before: u64| saved == before + 1),
                "what was refused took a number"
            );
            number = Some(saved);
            wanted
        })
        .collect()
}

fn refused(rng: &mut Rng, cache: &Cache, good: &str) {
    let (kind, error) = match rng.u8(..4) {
        0 => {
            let key = BAD_KEYS[rng.usize(..BAD_KEYS.len())];
            (ErrorKind::Key, cache.save_blocking(key, 1))
        }
        1 => {
            let at = rng.usize(..=good.len());
            let (before, after) = good.split_at_checked(at).unwrap_or((good, ""));
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
            (ErrorKind::Value, cache.save_blocking(good, json))
        }
        _ => (
            ErrorKind::Value,
            cache.save_blocking(good, HashMap::from([((1, 2), 3)])),
        ),
    };
    let error = error.expect_err("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

/// Puts one file under each of these keys, and waits until all have been taken. The order in which
/// they are taken is the server's.
pub(crate) fn by_drop_in(rng: &mut Rng, app: &App, keys: &[String]) -> (Vec<Wanted>, usize) {
    let mut wanted = Vec::new();
    for key in keys {
        let (bytes, expected) = cases::drop_in(rng, key);
        let path = app.cache().join(key);
        if rng.bool() {
            fs::write(&path, bytes).unwrap();
        } else {
            let beside = app.cache().join("not a key");
            fs::write(&beside, bytes).unwrap();
            fs::rename(beside, path).unwrap();
        }
        wanted.extend(expected);
    }
    keys.iter().for_each(|key| gone(&app.cache().join(key)));
    let broken = keys.len() - wanted.len();
    (wanted, broken)
}

/// Runs `sse save` for each of these keys, in order.
pub(crate) fn by_command(rng: &mut Rng, app: &App, events: &str, keys: &[String]) -> Vec<Wanted> {
    keys.iter()
        .map(|key| {
            if rng.u8(..10) == 0 {
                let no_text = Argument {
                    value: String::new(),
                    as_text: true,
                    by_stdin: true,
                };
                let output = sse_save(app, events, key, &no_text, b"\xed\xa0\x80");
                assert_eq!(output.status.code(), Some(1), "{output:?}");
            }
            let (argument, wanted) = cases::for_the_command(rng, key);
            let output = sse_save(app, events, key, &argument, argument.value.as_bytes());
            assert!(output.status.success(), "{wanted:?}: {output:?}");
            wanted
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
    // It may have ended already without reading.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(if argument.by_stdin { input } else { b"" });
    child.wait_with_output().unwrap()
}
