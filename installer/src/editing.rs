//! Edits of an app's files: `.env`, `Cargo.toml`, Rust source and scripts, and the
//! transaction that writes them.

pub(crate) mod env;
pub(crate) mod manifest;
pub(crate) mod plan;
pub(crate) mod receipt;
pub(crate) mod rust;
pub(crate) mod scripts;
pub(crate) mod source_reader;
pub(crate) mod text;
