//! Names that no other process chooses.

use std::{
    io,
    time::{Duration, SystemTime},
};

/// Letters and digits after the dot in the name of an unfinished file or folder. 36 to the power of 12
/// possible names make a collision improbable; creating the file detects one anyway.
const UNFINISHED_NAME_CHARS: usize = 12;

const UNFINISHED_NAME_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

pub(super) fn random_u64() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

/// A name for a file or folder that is not finished: a dot and random letters and digits.
pub(super) fn unfinished_name() -> io::Result<String> {
    let base = UNFINISHED_NAME_ALPHABET.len() as u64;
    let mut random = random_u64()?;
    let mut name = String::with_capacity(1 + UNFINISHED_NAME_CHARS);
    name.push('.');
    for _ in 0..UNFINISHED_NAME_CHARS {
        let index = usize::try_from(random % base).unwrap_or_default();
        name.push(char::from(UNFINISHED_NAME_ALPHABET[index]));
        random /= base;
    }
    Ok(name)
}

/// Whether a file or folder of this name is not finished.
pub(super) fn is_unfinished_name(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|chars| {
        chars.len() == UNFINISHED_NAME_CHARS
            && chars.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A name that sorts after all names created earlier by the wall clock, and after `last` even if the clock
/// was set back since. It begins with a dot, so that PHP frameworks that clear their cache keep the file.
pub(crate) fn time_ordered_name(last: Option<&str>) -> io::Result<String> {
    let after_last = last
        .and_then(time_of_ordered_name)
        .and_then(|time| time.checked_add(Duration::from_nanos(1)));
    let time = SystemTime::now().max(after_last.unwrap_or(SystemTime::UNIX_EPOCH));
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let random = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!(".{:024x}-{random:08x}", since_1970.as_nanos()))
}

/// When a time-ordered name was created; `None` if this is another name.
pub(crate) fn time_of_ordered_name(name: &str) -> Option<SystemTime> {
    let (nanos, random) = name.strip_prefix('.')?.split_once('-')?;
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if !is_hex(nanos, 24) || !is_hex(random, 8) {
        return None;
    }
    let nanos = u128::from_str_radix(nanos, 16).ok()?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    let nanos = u32::try_from(nanos % 1_000_000_000).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ordered_name_contains_its_time() {
        let before = SystemTime::now();
        let time = time_of_ordered_name(&time_ordered_name(None).unwrap()).unwrap();
        assert!(before <= time && time <= SystemTime::now());
        for name in [
            "",
            "k1",
            ".one",
            "000000000000000000000001-00000000",
            ".000000000000000000000001-0000000",
            ".00000000000000000000000g-00000000",
            ".+00000000000000000000001-00000000",
        ] {
            assert_eq!(time_of_ordered_name(name), None, "{name}");
        }
        // Later than any system can express.
        assert_eq!(
            time_of_ordered_name(".ffffffffffffffffffffffff-00000000"),
            None
        );
    }
}
