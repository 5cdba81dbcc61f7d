//! Reading the configuration.

use std::time::Duration;

use super::*;
use crate::error::Error;

fn read(env: &str) -> Result<Config, Error> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), env).unwrap();
    Config::from_dir(dir.path())
}

#[test]
fn a_config_needs_only_the_three_settings_that_install_writes() {
    let config = read("SSE_STREAM_DURATION=15\nSSE_POLL_INTERVAL=2\nSSE_EVENTS=a:k\n").unwrap();
    assert_eq!(config.stream_duration(), Duration::from_secs(15));
    assert_eq!(config.poll_interval(), Duration::from_secs(2));
    assert_eq!(config.ttl(), Duration::from_secs(60));
    assert_eq!(config.cache_dir(), config.app_dir().join("writable/cache"));
    assert_eq!(config.events().iter().collect::<Vec<_>>(), [("a", "k")]);
}

/// A plain EventSource keeps the delay for as long as the server is down.
#[cfg(feature = "actix")]
#[test]
fn no_retry_delay_causes_more_than_one_request_per_second() {
    for (retry, expected) in [(0, 1_000), (70, 1_000), (1_500, 1_500)] {
        let config = read("SSE_EVENTS=a:k\n").unwrap();
        let config = config.with_retry(Duration::from_millis(retry));
        assert_eq!(config.retry_delay(), Duration::from_millis(expected));
    }
}

#[test]
fn every_invalid_value_is_reported_with_its_line_and_a_remedy() {
    for (env, message) in [
        ("SSE_EVENTS=", "is empty"),
        ("SSE_EVENTS=a", "lacks its"),
        ("SSE_EVENTS=a:../k", "leading dot"),
        (
            "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=soon",
            "must be a number of seconds, not `soon`",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=-1",
            "out of range: `-1`",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=NaN",
            "must be a number of seconds",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_POLL_INTERVAL=",
            "must be a number of seconds",
        ),
        ("SSE_EVENTS=a:k\nSSE_POLL_INTERVAL=0", "out of range"),
        ("SSE_EVENTS=a:k\nSSE_TTL=1e300", "out of range: `1e300`"),
        (
            "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=1e19",
            "out of range: `1e19`",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_MAX_CONNECTIONS=0",
            "must be a whole number of at least 1, not `0`",
        ),
        ("SSE_EVENTS=a:k\nSSE_CACHE=", "is empty"),
        (
            "SSE_EVENTS=a:k\nSSE_CACHE=redis://localhost",
            "`redis` cache",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=*",
            "`*`, which is not an origin",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=https://a.example/",
            "not an origin",
        ),
        ("SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=null", "never allowed"),
        (
            "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=a.example,http://b.example",
            "`http://b.example`, which is not a host name",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=\"a\\nX-Forged: 1\"",
            "`a\\nX-Forged: 1`, which is not a host name",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_ALLOWED_ORIGINS=\"https://a\\nX-Forged: 1\"",
            "`https://a\\nX-Forged: 1`, which is not an origin",
        ),
        ("SSE_EVENTS=a\u{0}b:k", "a\\u{0}b"),
        ("SSE_EVENTS=a:k\u{7f}", "control character"),
    ] {
        let error = read(env).unwrap_err();
        assert!(error.to_string().contains(message), "{env:?} gave {error}");
        let expected = env.lines().count();
        assert_eq!(
            error.location().unwrap().line_number(),
            Some(expected),
            "{env:?}"
        );
        assert!(error.help().is_some(), "{env:?}");
    }
}

#[test]
fn a_missing_file_and_a_missing_key_have_different_messages() {
    let dir = tempfile::tempdir().unwrap();
    let error = Config::from_dir(dir.path()).unwrap_err();
    assert!(error.to_string().contains(".env does not exist"), "{error}");
    assert!(
        read("A=b\n")
            .unwrap_err()
            .to_string()
            .contains("SSE_EVENTS is not set")
    );
}

#[test]
fn lists_in_code_are_checked_like_lists_in_the_file() {
    let config = || read("SSE_EVENTS=a:k\n").unwrap();
    assert!(
        config()
            .with_allowed_origins(["HTTPS://A.example:443"])
            .is_ok()
    );
    assert!(
        config()
            .with_allowed_hosts(["a.example:8080".to_owned()])
            .is_ok()
    );
    let error = config()
        .with_allowed_origins(["https://a.example/"])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the list of allowed origins contains `https://a.example/`")
    );
    assert!(error.help().unwrap().ends_with("write https://a.example"));
    let error = config().with_allowed_hosts(["a b"]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the list of allowed hosts contains `a b`")
    );
}
