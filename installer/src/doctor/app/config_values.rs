//! The configuration as the app reads it, and where each value comes from.

use std::time::Duration;

use actix_web_sse::{Config, Error, Events};

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("config");

/// With shorter streams, every client reconnects more than once a minute.
const SHORT_STREAM_DURATION: Duration = Duration::from_secs(60);

pub(super) fn check(config: &Result<Config, Error>) -> Vec<Finding> {
    match config {
        Ok(config) => {
            let values = config
                .settings()
                .map(|setting| CHECK.ok(setting.to_string()));
            values
                .chain(private_keys(config.events()))
                .chain(short_streams(config.stream_duration()))
                .collect()
        }
        Err(error) => {
            vec![CHECK.refusal(error, "see the documentation of the configuration")]
        }
    }
}

fn private_keys(events: &Events) -> Option<Finding> {
    let keys = events.keys().filter(|key| events.is_private(key));
    let keys: Vec<&str> = keys.collect();
    (!keys.is_empty()).then(|| {
        let keys = keys.join(", ");
        CHECK.ok(format!(
            "private cache keys, which accept only values for audiences: {keys}"
        ))
    })
}

fn short_streams(duration: Duration) -> Option<Finding> {
    // Zero stands for streams without an end.
    if duration.is_zero() || duration >= SHORT_STREAM_DURATION {
        return None;
    }
    let seconds = duration.as_secs_f64();
    Some(CHECK.tip(
        format!("the server ends every stream after {seconds} s, and every client then reconnects"),
        "in production, use longer streams, for example SSE_STREAM_DURATION=300",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn findings(env: &str) -> Vec<Finding> {
        let app = tempfile::tempdir().expect("a folder");
        std::fs::write(app.path().join(".env"), env).expect("it can be written");
        check(&Config::from_dir(app.path()))
    }

    #[test]
    fn every_value_is_shown_with_its_origin() {
        let findings = findings("SSE_EVENTS=a:k,b:k\nSSE_TTL=5\nSSE_STREAM_DURATION=300\n");
        assert!(findings.iter().all(|finding| finding.level == Level::Ok));
        let messages: Vec<&str> = findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(messages[0], "SSE_EVENTS is a:k,b:k (.env line 1)");
        for message in [
            "SSE_TTL is 5 s (.env line 2)",
            "SSE_POLL_INTERVAL is 2 s (default)",
            "SSE_MAX_CONNECTIONS is 10000 (default)",
        ] {
            assert!(messages.contains(&message), "{messages:?}");
        }
    }

    #[test]
    fn private_keys_are_shown() {
        let last = |env: &str| findings(env).pop().expect("there is one").message;
        let env = "SSE_STREAM_DURATION=0\nSSE_EVENTS=a:k:private,b:k,c:l,d:m:private\n";
        assert_eq!(
            last(env),
            "private cache keys, which accept only values for audiences: k, m"
        );
        assert!(!last("SSE_STREAM_DURATION=0\nSSE_EVENTS=a:k\n").contains("private"));
        assert_eq!(
            findings(env)[0].message,
            "SSE_EVENTS is a:k:private,b:k,c:l,d:m:private (.env line 2)"
        );
    }

    #[test]
    fn short_streams_are_noted() {
        let count_notes = |env: &str| {
            let findings = findings(env);
            let notes = findings.iter().filter(|found| found.level == Level::Note);
            notes.count()
        };
        assert_eq!(count_notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=15\n"), 1);
        assert_eq!(count_notes("SSE_EVENTS=a:k\n"), 1, "the default is short");
        assert_eq!(count_notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=300\n"), 0);
        assert_eq!(count_notes("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n"), 0);
    }

    #[test]
    fn a_refused_configuration_is_reported_with_the_librarys_error() {
        let [finding] = &findings("A=1\nSSE_EVENTS=a\n")[..] else {
            panic!("one finding")
        };
        assert_eq!(finding.level, Level::Error);
        assert!(finding.message.contains(".env:2"), "{}", finding.message);
        let help = finding.help.as_deref().unwrap_or_default();
        assert!(help.contains("SSE_EVENTS="), "{help}");
    }
}
