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
#[test]
fn no_retry_delay_causes_more_than_one_request_per_second() {
    for (retry, expected) in [(0, 1_000), (70, 1_000), (1_500, 1_500)] {
        let config = read("SSE_EVENTS=a:k\n").unwrap();
        let config = config.with_retry(Duration::from_millis(retry));
        assert_eq!(config.retry(), Duration::from_millis(expected));
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
        ("SSE_EVENTS=a:k\nSSE_PUBLIC=", "SSE_PUBLIC is empty"),
        ("SSE_EVENTS=a:k\nSSE_PUBLIC=../www", "contains `..`"),
        (
            "SSE_EVENTS=a:k\nSSE_PUBLIC=https://a.example",
            "must be a folder, not a URL",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_CACHE=memcached://localhost",
            "`memcached` cache",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_CACHE=redis://:secret@/",
            "SSE_CACHE does not name a host",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_DROP_INS=drop-ins",
            "SSE_DROP_INS is set, but SSE_CACHE is a folder",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_REDIS_WAIT=one",
            "must be REPLICAS:MILLISECONDS, not `one`",
        ),
        (
            "SSE_EVENTS=a:k\nSSE_DROP_IN_PREFIX=app:",
            "SSE_DROP_IN_PREFIX is `app:`, which contains a `:`",
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

#[test]
fn every_setting_is_listed_with_its_value_and_origin() {
    let config = read("# A comment.\nSSE_EVENTS=a:k,b:k\nSSE_TTL=0.5\n").unwrap();
    let config = config
        .with_poll_interval(Duration::from_secs(1))
        .with_allowed_hosts(["A.example", "[::1]:80"])
        .unwrap();
    let listed: Vec<String> = config.settings().map(|found| found.to_string()).collect();
    let cache = config.cache_dir().display();
    let public = config.public_dir().display();
    assert_eq!(
        listed,
        [
            "SSE_EVENTS is a:k,b:k (.env line 2)",
            "SSE_STREAM_DURATION is 15 s (default)",
            "SSE_POLL_INTERVAL is 1 s (code)",
            &format!("SSE_CACHE is {cache} (default)"),
            "SSE_DROP_IN_PREFIX is none (default)",
            &format!("SSE_PUBLIC is {public} (default)"),
            "SSE_TTL is 0.5 s (.env line 3)",
            "SSE_ALLOWED_ORIGINS is none (default)",
            "SSE_ALLOWED_HOSTS is a.example,[::1]:80 (code)",
            "SSE_MAX_CONNECTIONS is 10000 (default)",
        ]
    );
}

#[test]
fn a_prefix_that_makes_too_long_a_file_name_is_reported() {
    let key = "k".repeat(250);
    let env = format!("SSE_EVENTS=a:b,c:{key}\nSSE_DROP_IN_PREFIX=");
    assert_eq!(
        read(&format!("{env}123_5")).unwrap().drop_in_prefix(),
        "123_5"
    );
    let error = read(&format!("{env}123_56")).unwrap_err();
    assert!(
        error.to_string().contains("make a file name of 256 bytes"),
        "{error}"
    );
    assert_eq!(error.location().unwrap().line_number(), Some(2));
    let config = Config::new("", &format!("a:b,c:{key}")).unwrap();
    assert!(config.with_drop_in_prefix("123_56").is_err());
}

#[test]
fn what_code_sets_can_be_read() {
    let (second, app) = (Duration::from_secs(1), tempfile::tempdir().unwrap());
    let config = Config::new(app.path(), "a:k").unwrap();
    assert_eq!(config.max_connections_per_address(), None);
    assert!(config.signal_handling());
    let config = config
        .with_lookback(2 * second)
        .with_heartbeat(3 * second)
        .with_retry(4 * second)
        .with_stream_duration(5 * second)
        .with_poll_interval(6 * second)
        .with_ttl(7 * second)
        .with_history(8)
        .with_entries_in_memory(9)
        .with_max_value_bytes(10)
        .with_max_connections(11)
        .with_max_connections_per_address(12)
        .with_signal_handling(false)
        .with_cache_dir("other")
        .with_allowed_origins(["https://A.example"])
        .and_then(|config| config.with_allowed_hosts(["B.example:80"]))
        .and_then(|config| config.with_drop_in_prefix("p_"))
        .unwrap();
    assert_eq!(config.lookback(), 2 * second);
    assert_eq!(config.heartbeat(), 3 * second);
    assert_eq!(config.retry(), 4 * second);
    assert_eq!(config.stream_duration(), 5 * second);
    assert_eq!(config.poll_interval(), 6 * second);
    assert_eq!(config.ttl(), 7 * second);
    assert_eq!((config.history(), config.entries_in_memory()), (8, 9));
    assert_eq!(config.max_value_bytes(), 10);
    assert_eq!(config.max_connections(), 11);
    assert_eq!(config.max_connections_per_address(), Some(12));
    assert!(!config.signal_handling());
    assert_eq!(config.cache_dir(), app.path().join("other"));
    assert_eq!(config.drop_in_prefix(), "p_");
    assert_eq!(
        config.drop_in_path("k"),
        Some(config.cache_dir().join("p_k"))
    );
    assert_eq!(config.allowed_origins(), ["https://a.example"]);
    assert!(config.allowed_hosts().eq(["b.example:80"]));
}

#[test]
fn code_cannot_set_what_env_rejects() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let config = config.with_max_connections(0).with_ttl(Duration::MAX);
    assert_eq!(config.max_connections(), 1);
    assert_eq!(config.ttl(), parsers::MAX_CONFIGURED_DURATION);
}
