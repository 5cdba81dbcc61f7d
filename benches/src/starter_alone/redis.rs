//! The measurements of this project's server with its journal on Redis.

pub(super) mod delivery;
pub(super) mod saves;
pub(super) mod soak;
mod stats;
mod threads;
pub(super) mod traffic;
