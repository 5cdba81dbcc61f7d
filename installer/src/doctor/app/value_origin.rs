//! Where the values in force come from.

use super::Environment;
use super::env_assignments::EnvLines;

/// Every key that the library reads.
pub(super) const KEYS: [&str; 8] = [
    "SSE_EVENTS",
    "SSE_STREAM_DURATION",
    "SSE_POLL_INTERVAL",
    "SSE_CACHE",
    "SSE_TTL",
    "SSE_ALLOWED_ORIGINS",
    "SSE_ALLOWED_HOSTS",
    "SSE_MAX_CONNECTIONS",
];

/// The library's own number of streams at once.
const CONNECTIONS: u64 = 10_000;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    /// In `.env`, on this line.
    File(usize),
    Environment,
}

/// How many streams are let in at once, and who says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Connections {
    pub(super) number: u64,
    #[cfg_attr(
        not(unix),
        allow(
            dead_code,
            reason = "it matters where there is a limit to compare it with"
        )
    )]
    pub(super) origin: Origin,
}

impl Origin {
    pub(super) fn text(self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(line) => format!(".env line {line}"),
            Self::Environment => "environment".to_owned(),
        }
    }
}

/// The value in force of `key`, if one is set, by the library's rule: the environment wins, and
/// a variable that only repeats the file counts as the file's.
pub(super) fn find<'a>(
    key: &str,
    lines: &'a EnvLines,
    environment: &'a Environment,
) -> (Option<&'a str>, Origin) {
    match (environment.get(key), lines.get(key)) {
        (Some(value), Some(line)) if *value == line.value => (Some(value), Origin::File(line.line)),
        (Some(value), _) => (Some(value), Origin::Environment),
        (None, Some(line)) => (Some(&line.value), Origin::File(line.line)),
        (None, None) => (None, Origin::Default),
    }
}

pub(super) fn connections(lines: &EnvLines, environment: &Environment) -> Connections {
    let (value, origin) = find("SSE_MAX_CONNECTIONS", lines, environment);
    Connections {
        number: value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(CONNECTIONS),
        origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_unless_it_repeats_the_file() {
        let lines = EnvLines::parse(b"\nSSE_TTL=5\n");
        let of = |value: &str| Environment::from([("SSE_TTL".to_owned(), value.to_owned())]);
        let found = |environment: &Environment| {
            let (value, origin) = find("SSE_TTL", &lines, environment);
            (value.map(str::to_owned), origin)
        };
        let is = |value: &str, origin| (Some(value.to_owned()), origin);
        assert_eq!(found(&Environment::new()), is("5", Origin::File(2)));
        assert_eq!(found(&of("5")), is("5", Origin::File(2)));
        assert_eq!(found(&of("6")), is("6", Origin::Environment));
        assert_eq!(
            find("SSE_CACHE", &lines, &Environment::new()),
            (None, Origin::Default)
        );
    }

    /// The documentation is where the library's keys stand in one place.
    #[test]
    fn every_documented_key_is_known() {
        let documented: Vec<&str> = include_str!("../../../../docs/configuration.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(key, _)| key)
            .filter(|key| key.starts_with("SSE_"))
            .collect();
        let mut known = KEYS.to_vec();
        let mut sorted = documented.clone();
        known.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(known, sorted);
        let default = include_str!("../../../../docs/configuration.md")
            .lines()
            .find(|line| line.starts_with("| `SSE_MAX_CONNECTIONS`"));
        assert!(default.is_some_and(|line| line.contains(&format!("`{CONNECTIONS}`"))));
    }
}
