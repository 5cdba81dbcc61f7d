//! The configuration as the app reads it, and where each value comes from.

use std::path::Path;
use std::time::Duration;

use actix_web_sse::Config;

use super::env_assignments::EnvLines;
use super::{Environment, value_origin};
use crate::doctor::finding::Finding;

const CHECK: &str = "config";

/// Streams that last less than this make their clients come and go all the time.
const SHORT: Duration = Duration::from_secs(60);

pub(super) fn check(
    app: &Path,
    lines: &EnvLines,
    environment: &Environment,
) -> (Option<Config>, Vec<Finding>) {
    match Config::from_dir(app) {
        Ok(config) => {
            let findings = values(&config, lines, environment);
            (Some(config), findings)
        }
        Err(error) => {
            let help = error
                .help()
                .unwrap_or("see the configuration's documentation");
            (None, vec![Finding::error(CHECK, error.to_string(), help)])
        }
    }
}

fn values(config: &Config, lines: &EnvLines, environment: &Environment) -> Vec<Finding> {
    let origin = |key: &str| value_origin::find(key, lines, environment).1.text();
    let shown = |key: &str, value: String| {
        Finding::ok(CHECK, format!("{key} is {value} ({})", origin(key)))
    };
    let seconds = |duration: Duration| format!("{} s", duration.as_secs_f64());
    let pairs: Vec<String> = config
        .events()
        .iter()
        .map(|(event, key)| format!("`{event}` fed by the key `{key}`"))
        .collect();
    let duration = config.stream_duration();
    let mut findings = vec![
        shown("SSE_EVENTS", pairs.join(", ")),
        shown("SSE_STREAM_DURATION", seconds(duration)),
    ];
    if !duration.is_zero() && duration < SHORT {
        let what = format!(
            "every stream ends after {}, and every client then connects again",
            seconds(duration)
        );
        let help = "SSE_STREAM_DURATION=300 is kinder in production";
        findings.push(Finding::note(CHECK, what).help(help));
    }
    findings.extend([
        shown("SSE_POLL_INTERVAL", seconds(config.poll_interval())),
        shown("SSE_TTL", seconds(config.ttl())),
        shown("SSE_CACHE", config.cache_dir().display().to_string()),
        shown(
            "SSE_MAX_CONNECTIONS",
            value_origin::connections(lines, environment)
                .number
                .to_string(),
        ),
    ]);
    for key in ["SSE_ALLOWED_ORIGINS", "SSE_ALLOWED_HOSTS"] {
        if let (Some(names), _) = value_origin::find(key, lines, environment) {
            findings.push(shown(key, names.to_owned()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn found(env: &str) -> Vec<Finding> {
        let app = tempfile::tempdir().expect("a folder");
        std::fs::write(app.path().join(".env"), env).expect("it can be written");
        check(
            app.path(),
            &EnvLines::parse(env.as_bytes()),
            &Environment::new(),
        )
        .1
    }

    #[test]
    fn every_value_is_shown_with_its_origin() {
        let findings = found("SSE_EVENTS=a:k,b:k\nSSE_TTL=5\nSSE_STREAM_DURATION=300\n");
        assert!(findings.iter().all(|finding| finding.level == Level::Ok));
        let text: Vec<&str> = findings.iter().map(|found| found.what.as_str()).collect();
        assert_eq!(
            text[0],
            "SSE_EVENTS is `a` fed by the key `k`, `b` fed by the key `k` (.env line 1)"
        );
        assert!(text.contains(&"SSE_TTL is 5 s (.env line 2)"), "{text:?}");
        assert!(text.contains(&"SSE_POLL_INTERVAL is 2 s (default)"));
        assert!(text.contains(&"SSE_MAX_CONNECTIONS is 10000 (default)"));
    }

    #[test]
    fn short_streams_are_noted() {
        let notes = |env: &str| {
            let findings = found(env);
            findings
                .iter()
                .filter(|found| found.level == Level::Note)
                .count()
        };
        assert_eq!(notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=15\n"), 1);
        assert_eq!(notes("SSE_EVENTS=a:k\n"), 1, "it is the default");
        assert_eq!(notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=300\n"), 0);
        assert_eq!(notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n"), 0);
    }

    #[test]
    fn what_the_library_refuses_is_told_in_its_words() {
        let [finding] = &found("A=1\nSSE_EVENTS=a\n")[..] else {
            panic!("one finding")
        };
        assert_eq!(finding.level, Level::Error);
        assert!(finding.what.contains(".env:2"), "{}", finding.what);
        assert!(
            finding
                .help
                .as_ref()
                .is_some_and(|help| help.contains("SSE_EVENTS="))
        );
    }
}
