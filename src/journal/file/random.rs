//! Names that no other process chooses.

use std::{io, time::SystemTime};

/// Letters after the dot in the name of an unfinished file or folder. 36 letters to the power of 12
/// make a collision improbable; creating the file detects one anyway.
const UNFINISHED_NAME_LETTERS: usize = 12;

pub(super) fn random_u64() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

/// A name for a file or folder that is not finished: a dot and random letters.
pub(super) fn unfinished_name() -> io::Result<String> {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = random_u64()?;
    let mut name = String::with_capacity(1 + UNFINISHED_NAME_LETTERS);
    name.push('.');
    for _ in 0..UNFINISHED_NAME_LETTERS {
        name.push(char::from(LETTERS[(random % 36) as usize]));
        random /= 36;
    }
    Ok(name)
}

/// Whether a file or folder of this name is not finished.
pub(super) fn is_unfinished_name(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|letters| {
        letters.len() == UNFINISHED_NAME_LETTERS
            && letters.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A name that sorts after all names created earlier.
pub(crate) fn time_ordered_name() -> io::Result<String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let random = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{:024x}-{random:08x}", now.as_nanos()))
}
