//! The configured values, and where each comes from.

use std::collections::BTreeMap;

use super::env_assignments::EnvAssignments;

/// The name of every setting that the library reads. A test compares it with the documentation.
pub(super) const SETTING_NAMES: [&str; 8] = [
    "SSE_EVENTS",
    "SSE_STREAM_DURATION",
    "SSE_POLL_INTERVAL",
    "SSE_CACHE",
    "SSE_TTL",
    "SSE_ALLOWED_ORIGINS",
    "SSE_ALLOWED_HOSTS",
    "SSE_MAX_CONNECTIONS",
];

/// The library's default for `SSE_MAX_CONNECTIONS`. A test compares it with the documentation.
const DEFAULT_MAX_CONNECTIONS: u64 = 10_000;

/// The environment variables that are valid UTF-8, by name.
pub(super) type ProcessVariables = BTreeMap<String, String>;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueOrigin {
    Default,
    /// This line of `.env`.
    EnvFileLine(usize),
    Environment,
}

/// The number of streams that the server allows at the same time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MaxConnections {
    pub(super) number: u64,
    pub(super) origin: ValueOrigin,
}

/// The values of `.env` and of the environment together.
pub(super) struct ConfiguredValues<'a> {
    env_file: &'a EnvAssignments,
    environment: &'a ProcessVariables,
}

impl ValueOrigin {
    pub(super) fn describe(self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::EnvFileLine(line) => format!(".env line {line}"),
            Self::Environment => "environment".to_owned(),
        }
    }
}

impl<'a> ConfiguredValues<'a> {
    pub(super) fn new(env_file: &'a EnvAssignments, environment: &'a ProcessVariables) -> Self {
        Self {
            env_file,
            environment,
        }
    }

    /// The value of `key`, by the library's rule: the environment wins. A variable with the same
    /// value as the line in `.env` was usually set from it, so the line counts as the origin.
    pub(super) fn get(&self, key: &str) -> (Option<&'a str>, ValueOrigin) {
        match (self.environment.get(key), self.env_file.get(key)) {
            (Some(variable), Some(line)) if *variable == line.value => {
                (Some(variable), ValueOrigin::EnvFileLine(line.line))
            }
            (Some(variable), _) => (Some(variable), ValueOrigin::Environment),
            (None, Some(line)) => (Some(&line.value), ValueOrigin::EnvFileLine(line.line)),
            (None, None) => (None, ValueOrigin::Default),
        }
    }

    pub(super) fn max_connections(&self) -> MaxConnections {
        let (value, origin) = self.get("SSE_MAX_CONNECTIONS");
        let number = value.and_then(|value| value.trim().parse().ok());
        MaxConnections {
            number: number.unwrap_or(DEFAULT_MAX_CONNECTIONS),
            origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(value: &str) -> ProcessVariables {
        ProcessVariables::from([("SSE_TTL".to_owned(), value.to_owned())])
    }

    #[test]
    fn the_environment_wins_unless_it_repeats_the_env_file() {
        let env_file = EnvAssignments::parse(b"\nSSE_TTL=5\n");
        for (environment, value, origin) in [
            (ProcessVariables::new(), "5", ValueOrigin::EnvFileLine(2)),
            (variable("5"), "5", ValueOrigin::EnvFileLine(2)),
            (variable("6"), "6", ValueOrigin::Environment),
        ] {
            let values = ConfiguredValues::new(&env_file, &environment);
            assert_eq!(values.get("SSE_TTL"), (Some(value), origin));
            assert_eq!(values.get("SSE_CACHE"), (None, ValueOrigin::Default));
        }
    }

    const DOCUMENTATION: &str = include_str!("../../../../docs/configuration.md");

    /// The documentation is the one place that lists all of the library's keys.
    #[test]
    fn every_documented_key_is_known() {
        let mut documented: Vec<&str> = DOCUMENTATION
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(key, _)| key)
            .filter(|key| key.starts_with("SSE_"))
            .collect();
        let mut known = SETTING_NAMES.to_vec();
        known.sort_unstable();
        documented.sort_unstable();
        assert_eq!(known, documented);
    }

    #[test]
    fn the_default_number_of_connections_is_the_documented_one() {
        let line = DOCUMENTATION
            .lines()
            .find(|line| line.starts_with("| `SSE_MAX_CONNECTIONS`"));
        let default = format!("`{DEFAULT_MAX_CONNECTIONS}`");
        assert!(line.is_some_and(|line| line.contains(&default)));
    }
}
