//! Whether the limit of open files allows as many streams as the configuration.

use actix_web_sse::cli_support::settings;
use actix_web_sse::{Config, Origin};
use rustix::process::{Resource, getrlimit};

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("descriptors");

/// The server reserves a tenth of its descriptors for the app's own pages and files, but not more
/// than this. The rule is the library's: `src/http/limits.rs` has the reason for the number, and a
/// test compares both.
const MAX_RESERVED_DESCRIPTORS: u64 = 256;

pub(super) fn check(config: &Config) -> Finding {
    let limit = getrlimit(Resource::Nofile).current;
    let origin = origin_of_max_connections(config);
    judge(limit, config.max_connections() as u64, &origin)
}

fn origin_of_max_connections(config: &Config) -> Origin {
    let name = settings::max_connections.name;
    let setting = config.settings().find(|setting| setting.name() == name);
    setting.map_or(Origin::Default, |setting| setting.origin().clone())
}

/// A `limit` of `None` means that the system sets none.
fn judge(limit: Option<u64>, number: u64, origin: &Origin) -> Finding {
    let Some(limit) = limit else {
        return CHECK.ok("the number of open files is not limited here");
    };
    let allowed = limit - (limit / 10).min(MAX_RESERVED_DESCRIPTORS);
    if allowed >= number {
        let message =
            format!("the limit of open files here, {limit}, is enough for {number} streams");
        return CHECK.ok(message);
    }
    let message = format!(
        "the limit of open files here, {limit}, is enough for only {allowed} streams: a server \
         started here serves fewer than the {number} that SSE_MAX_CONNECTIONS allows ({origin})"
    );
    let help = format!(
        "run `ulimit -n {}` before you start the server",
        number.saturating_add(MAX_RESERVED_DESCRIPTORS)
    );
    match origin {
        // The user has not asked for that many streams.
        Origin::Default => CHECK.tip(message, help),
        _ => CHECK.warning(message, help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    /// The origin of a value that `.env` sets.
    fn line_of_max_connections() -> Origin {
        let app = tempfile::tempdir().expect("a folder");
        let env = "SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=10000\n";
        std::fs::write(app.path().join(".env"), env).expect("it can be written");
        let config = Config::from_dir(app.path()).expect("it is valid");
        origin_of_max_connections(&config)
    }

    #[test]
    fn a_limit_below_the_configured_number_is_reported() {
        let level = |limit, origin| judge(limit, 10_000, &origin).level;
        assert_eq!(level(Some(10_256), Origin::Default), Level::Ok);
        assert_eq!(level(Some(10_255), Origin::Default), Level::Note);
        assert_eq!(level(None, Origin::Environment), Level::Ok);
        assert_eq!(level(Some(1_024), Origin::Default), Level::Note);
        assert_eq!(
            level(Some(1_024), line_of_max_connections()),
            Level::Warning
        );
        assert_eq!(level(Some(10_000), Origin::Environment), Level::Warning);
    }

    #[test]
    fn the_suggested_limit_suffices() {
        for number in [1, 10, 100, 1_000, 10_000, 1_000_000] {
            let limit = Some(number + MAX_RESERVED_DESCRIPTORS);
            let finding = judge(limit, number, &Origin::Environment);
            assert_eq!(finding.level, Level::Ok, "{}", finding.message);
        }
    }

    #[test]
    fn the_reserve_is_that_of_the_library() {
        let limits = include_str!("../../../../src/http/limits.rs");
        let reserve = format!("MAX_RESERVED_DESCRIPTORS: usize = {MAX_RESERVED_DESCRIPTORS};");
        assert!(limits.contains(&reserve) && limits.contains("limit - (limit / 10).min("));
    }
}
