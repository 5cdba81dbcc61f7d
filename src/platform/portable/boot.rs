//! Which boot of the machine this is.

/// Unix has no common way to tell boots apart.
pub(crate) fn boot_id() -> Option<u128> {
    None
}
