//! Whether the limit of open files allows as many streams as the configuration.

use rustix::process::{Resource, getrlimit};

use super::value_origin::{MaxConnections, ValueOrigin};
use crate::doctor::finding::Finding;

const CHECK: &str = "descriptors";

/// The server reserves a tenth of its descriptors for the app's own pages and files, but not more
/// than this. The rule is the library's: `src/http/limits.rs` has the reason for the number, and a
/// test compares both.
const MAX_RESERVED_DESCRIPTORS: u64 = 256;

pub(super) fn check(max_connections: &MaxConnections) -> Finding {
    judge(getrlimit(Resource::Nofile).current, max_connections)
}

/// A `limit` of `None` means that the system sets none.
fn judge(limit: Option<u64>, max_connections: &MaxConnections) -> Finding {
    let number = max_connections.number;
    let Some(limit) = limit else {
        return Finding::ok(CHECK, "the number of open files is not limited here");
    };
    let allowed = limit - (limit / 10).min(MAX_RESERVED_DESCRIPTORS);
    if allowed >= number {
        let message =
            format!("the limit of open files here, {limit}, is enough for {number} streams");
        return Finding::ok(CHECK, message);
    }
    let message = format!(
        "the limit of open files here, {limit}, is enough for only {allowed} streams: a server \
         started here serves fewer than the {number} that SSE_MAX_CONNECTIONS allows ({})",
        max_connections.origin.describe()
    );
    let help = format!(
        "run `ulimit -n {}` before you start the server",
        number.saturating_add(MAX_RESERVED_DESCRIPTORS)
    );
    match max_connections.origin {
        // The user has not asked for that many streams.
        ValueOrigin::Default => Finding::note(CHECK, message).with_help(help),
        ValueOrigin::EnvFileLine(_) | ValueOrigin::Environment => {
            Finding::warning(CHECK, message, help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn a_limit_below_the_configured_number_is_reported() {
        let level = |limit, origin| {
            let number = 10_000;
            judge(limit, &MaxConnections { number, origin }).level
        };
        let line = ValueOrigin::EnvFileLine(1);
        assert_eq!(level(Some(10_256), ValueOrigin::Default), Level::Ok);
        assert_eq!(level(Some(10_255), ValueOrigin::Default), Level::Note);
        assert_eq!(level(None, line), Level::Ok);
        assert_eq!(level(Some(1_024), ValueOrigin::Default), Level::Note);
        assert_eq!(level(Some(1_024), line), Level::Warning);
        assert_eq!(
            level(Some(10_000), ValueOrigin::Environment),
            Level::Warning
        );
    }

    #[test]
    fn the_suggested_limit_suffices() {
        for number in [1, 10, 100, 1_000, 10_000, 1_000_000] {
            let origin = ValueOrigin::EnvFileLine(1);
            let limit = Some(number + MAX_RESERVED_DESCRIPTORS);
            let finding = judge(limit, &MaxConnections { number, origin });
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
