//! `sse install`, `uninstall`, `status` and `doctor` in apps beside `sse serve`, which have no `Cargo.toml`.

mod codeigniter;
mod other;
