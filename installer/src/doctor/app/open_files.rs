//! Whether as many streams fit as are let in.

use rustix::process::{Resource, getrlimit};

use super::value_origin::{Connections, Origin};
use crate::doctor::finding::Finding;

const CHECK: &str = "descriptors";

pub(super) fn check(connections: &Connections) -> Vec<Finding> {
    vec![judge(getrlimit(Resource::Nofile).current, connections)]
}

/// `limit` is none where there is no limit.
fn judge(limit: Option<u64>, connections: &Connections) -> Finding {
    let number = connections.number;
    let limit = match limit {
        Some(limit) if limit <= number => limit,
        Some(limit) => {
            let what =
                format!("{limit} files may be open at once here, more than {number} streams");
            return Finding::ok(CHECK, what);
        }
        None => return Finding::ok(CHECK, "any number of files may be open at once here"),
    };
    let what = format!(
        "{limit} files may be open at once here, and every stream is one: a server that is started \
         here serves fewer streams than the {number} of SSE_MAX_CONNECTIONS ({})",
        connections.origin.text()
    );
    let help = format!(
        "`ulimit -n {}` before the server is started",
        number + 1_000
    );
    match connections.origin {
        // Nobody has asked for that many.
        Origin::Default => Finding::note(CHECK, what).help(help),
        Origin::File(_) | Origin::Environment => Finding::warning(CHECK, what, help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn a_limit_below_the_wanted_number_is_told() {
        let level = |limit, origin| {
            let number = 10_000;
            judge(limit, &Connections { number, origin }).level
        };
        assert_eq!(level(Some(10_001), Origin::Default), Level::Ok);
        assert_eq!(level(None, Origin::File(1)), Level::Ok);
        assert_eq!(level(Some(1_024), Origin::Default), Level::Note);
        assert_eq!(level(Some(1_024), Origin::File(1)), Level::Warning);
        assert_eq!(level(Some(10_000), Origin::Environment), Level::Warning);
    }
}
