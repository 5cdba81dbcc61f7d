//! The template, with the real cargo-generate: from a folder and from git, with the library from
//! each of its sources, what is generated is what is tested here, and works.

mod checkout;
mod files;
mod generated;
mod refused;
mod works;
