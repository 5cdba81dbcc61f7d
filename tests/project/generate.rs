//! The template, with the real cargo-generate: from a folder and from git, and with each source of the
//! library, it generates the starter app, which works.

mod checkout;
mod files;
mod generated;
mod refused;
mod works;
