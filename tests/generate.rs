//! The template, with the real cargo-generate: from a folder and from git, with the library from
//! each of its sources, what is generated is what is tested here, and works.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its world has failed, and says where"
)]

#[path = "generate/checkout.rs"]
mod checkout;
#[path = "generate/files.rs"]
mod files;
#[path = "generate/generated.rs"]
mod generated;
#[path = "generate/refused.rs"]
mod refused;
#[path = "generate/works.rs"]
mod works;
