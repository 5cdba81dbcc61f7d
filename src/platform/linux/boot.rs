//! Which boot of the machine this is.

/// A random number that the kernel draws at each boot; 0 if `/proc` is not mounted.
pub(crate) fn boot_id() -> u128 {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|id| u128::from_str_radix(&id.trim().replace('-', ""), 16).ok())
        .unwrap_or_default()
}
