//! Whether the process ends in time when it is told to, as far as its code tells.

use super::source_files::{Kind, Source};
use crate::doctor::finding::Finding;

const ENDING: &str = "ending";

/// What an app that has its streams from `routes` gives to its server.
const SIGNAL: &str = ".shutdown_signal(actix_web_sse::shutdown_signal())";

/// Calls that serve connections which the library does not end, by how they begin, and what those
/// connections are.
const NOT_ENDED: [(&str, &str); 8] = [
    (".bind_uds(", "a Unix socket"),
    (".listen_uds(", "a Unix socket"),
    (".bind_auto_h2c(", "HTTP/2"),
    (".listen_auto_h2c(", "HTTP/2"),
    (".bind_rustls", "HTTP/2"),
    (".listen_rustls", "HTTP/2"),
    (".bind_openssl(", "HTTP/2"),
    (".listen_openssl(", "HTTP/2"),
];

/// Of an app that serves streams.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let code = Code(
        sources
            .iter()
            .filter(|source| source.kind == Kind::Rust)
            .collect(),
    );
    let mut findings: Vec<Finding> = [streams_go_on(&code), connections_stay(&code)]
        .into_iter()
        .flatten()
        .collect();
    if findings.is_empty() {
        findings.extend(interrupt(&code));
    }
    findings
}

/// The files of code, without their comments.
struct Code<'a>(Vec<&'a Source>);

impl<'a> Code<'a> {
    /// The first place of `text`, and what stands behind it.
    fn find(&self, text: &str) -> Option<(String, &'a str)> {
        self.0.iter().find_map(|source| {
            let at = source.text.find(text)?;
            let place = format!("{}:{}", source.path, source.line_of(at));
            Some((place, &source.text[at + text.len()..]))
        })
    }

    fn has(&self, text: &str) -> bool {
        self.find(text).is_some()
    }
}

fn streams_go_on(code: &Code<'_>) -> Option<Finding> {
    let (place, _) = code.find(".with_signal_handling(false)")?;
    if code.has(".close()") || code.has("shutdown_signal(") {
        return None;
    }
    Some(Finding::warning(
        ENDING,
        format!(
            "{place} leaves signals to the app, and nothing ends the streams at SIGTERM: the process \
             waits for them for 30 seconds"
        ),
        "give `sse.shutdown_signal()` to the server's `shutdown_signal`, or call `sse.close()`",
    ))
}

fn connections_stay(code: &Code<'_>) -> Option<Finding> {
    let mut calls = NOT_ENDED.iter();
    let (place, what) = calls.find_map(|(call, what)| Some((code.find(call)?.0, what)))?;
    let seconds = match code.find(".shutdown_timeout(") {
        // What is worked out as the app runs is not known here.
        Some((_, argument)) => seconds(argument)?,
        None => 30,
    };
    (seconds > 1).then(|| {
        Finding::warning(
            ENDING,
            format!(
                "{place} serves {what}: a client that stays connected there can hold up the end of \
                 the process for {seconds} seconds"
            ),
            "write `.shutdown_timeout(1)` in front of it; other requests then have one second, too",
        )
    })
}

/// The number that an argument is.
fn seconds(argument: &str) -> Option<u64> {
    let (number, _) = argument.split_once(')')?;
    number.trim().replace('_', "").parse().ok()
}

/// actix-web's own handling of signals stops a server at once at SIGINT.
fn interrupt(code: &Code<'_>) -> Option<Finding> {
    let (place, _) = code.find("HttpServer::new(")?;
    if code.has(".disable_signals()") {
        return None;
    }
    if let Some((place, _)) = code.find(".shutdown_signal(") {
        return Some(Finding::ok(
            ENDING,
            format!("streams end before the server stops: {place}"),
        ));
    }
    Some(
        Finding::note(
            ENDING,
            format!("SIGTERM ends the streams in order, and Ctrl-C cuts them off: {place}"),
        )
        .help(format!(
            "`{SIGNAL}` behind HttpServer::new(…) ends them in order in both cases; with an Sse of \
             your own, `.shutdown_signal(sse.shutdown_signal())`"
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn found(code: &str) -> Vec<(Level, String)> {
        let source = Source::new("src/main.rs", Kind::Rust, code);
        let findings = check(&[source]).into_iter();
        findings
            .map(|finding| {
                assert!(finding.help.is_some() || !finding.is_bad());
                (finding.level, finding.what)
            })
            .collect()
    }

    fn level(code: &str) -> Option<Level> {
        let found = found(code);
        assert!(found.len() < 2, "{found:?}");
        found.first().map(|(level, _)| *level)
    }

    #[test]
    fn a_shutdown_signal_is_all_that_an_app_can_have() {
        let server = "HttpServer::new(|| App::new())\n    .bind(address)?";
        assert_eq!(level(server), Some(Level::Note));
        assert_eq!(
            level(&format!("{server}.shutdown_signal(a())")),
            Some(Level::Ok)
        );
        assert_eq!(level(&format!("{server}.disable_signals()")), None);
        assert_eq!(level("// HttpServer::new(\n"), None);
    }

    #[test]
    fn streams_that_nothing_ends_are_named() {
        let code = "a\nconfig.with_signal_handling(false);\n";
        let found = found(code);
        assert_eq!(found[0].0, Level::Warning);
        assert!(found[0].1.starts_with("src/main.rs:2"), "{found:?}");
        assert_eq!(level(&format!("{code}sse.close().await;")), None);
        assert_eq!(level(&format!("{code}sse.shutdown_signal();")), None);
    }

    #[test]
    fn connections_that_can_hold_up_the_end_are_named() {
        for call in NOT_ENDED.map(|(call, _)| call) {
            let with = |timeout: &str| format!("HttpServer::new(a){timeout}\n  {call}address)?");
            let found = found(&with(""));
            assert_eq!(found[0].0, Level::Warning);
            assert!(found[0].1.starts_with("src/main.rs:2"), "{found:?}");
            assert!(found[0].1.ends_with("30 seconds"), "{found:?}");
            assert_eq!(level(&with(".shutdown_timeout(1_0)")), Some(Level::Warning));
            for short in ["1", "0", "TIMEOUT", "a()"] {
                let code = with(&format!(".shutdown_timeout({short})"));
                assert_eq!(level(&code), Some(Level::Note), "{code}");
            }
        }
    }
}
