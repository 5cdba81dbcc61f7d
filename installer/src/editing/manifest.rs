//! The app's `Cargo.toml`, and the dependency that `install` adds to it.

pub(crate) mod cargo_toml;
pub(crate) mod dependency;
pub(crate) mod edits;
