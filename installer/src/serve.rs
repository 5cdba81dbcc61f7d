//! `sse serve`: the stream of an app that is written in any language.
//!
//! The settings are known without the feature `serve`, too, because `sse doctor` checks their names.

#[cfg(feature = "serve")]
mod admin;
#[cfg(feature = "serve")]
mod authorization;
#[cfg(feature = "serve")]
mod health;
#[cfg(feature = "serve")]
mod listener;
#[cfg(feature = "serve")]
mod metrics;
#[cfg(feature = "serve")]
mod run;
#[cfg(feature = "serve")]
mod save;
#[cfg_attr(
    not(feature = "serve"),
    allow(dead_code, reason = "only the names are used without a server")
)]
pub(crate) mod settings;
#[cfg(feature = "serve")]
mod slots;
#[cfg(feature = "serve")]
mod stream;
#[cfg(feature = "serve")]
mod tls;

#[cfg(feature = "serve")]
pub(crate) use self::run::run;

#[cfg(not(feature = "serve"))]
pub(crate) fn run(
    _: &std::path::Path,
    _: &crate::cli::ServeArgs,
    _: crate::output::Output,
) -> Result<u8, crate::exit::Failure> {
    Err(crate::exit::Failure::error(
        "this `sse` was built without the feature `serve`, which brings a web server",
    )
    .with_help(
        "install it again with the feature: cargo install --path installer --features serve",
    ))
}
