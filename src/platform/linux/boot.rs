//! Which boot of the machine this is.

/// A random number that the kernel draws at each boot; in some containers, one that the container's manager
/// draws at each start of the container. `None` if it cannot be read, for example because `/proc` is not
/// mounted.
pub(crate) fn boot_id() -> Option<u128> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    u128::from_str_radix(&id.trim().replace('-', ""), 16).ok()
}
