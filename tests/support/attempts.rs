//! Repeating what a busy machine may spoil.

/// A busy machine spoils some attempts, but not all.
const ATTEMPTS: usize = 5;

/// Repeats `attempt` until it returns a value, a few times at most.
#[track_caller]
pub fn attempts<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let value = (0..ATTEMPTS).find_map(|_| attempt());
    value.unwrap_or_else(|| panic!("not in {ATTEMPTS} attempts: {what}"))
}
