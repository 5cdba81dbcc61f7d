//! Whether the process ends in time on SIGTERM and Ctrl-C, as far as the code shows it.

use crate::doctor::finding::{Check, Finding};
use crate::sources::source_files::{SourceFile, find_in_rust};

const CHECK: Check = Check("shutdown");

/// The call for a server whose streams come from `routes`.
const SHUTDOWN_CALL: &str = ".shutdown_signal(actix_web_sse::shutdown_signal())";

/// actix-web's default for `HttpServer::shutdown_timeout`.
const DEFAULT_SHUTDOWN_TIMEOUT_SECS: u64 = 30;
/// With this timeout the process ends within two seconds, as it does without such connections.
const MAX_SHUTDOWN_TIMEOUT_SECS: u64 = 1;

/// The beginnings of calls that accept connections which the library cannot close, and the kind of
/// these connections.
const UNCLOSABLE_CONNECTIONS: [(&str, &str); 8] = [
    (".bind_uds(", "a Unix socket"),
    (".listen_uds(", "a Unix socket"),
    (".bind_auto_h2c(", "HTTP/2"),
    (".listen_auto_h2c(", "HTTP/2"),
    (".bind_rustls", "HTTP/2"),
    (".listen_rustls", "HTTP/2"),
    (".bind_openssl(", "HTTP/2"),
    (".listen_openssl(", "HTTP/2"),
];

/// For an app that serves streams.
pub(super) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let problems = [unended_streams(sources), unclosable_connections(sources)];
    let mut findings: Vec<Finding> = problems.into_iter().flatten().collect();
    if findings.is_empty() {
        findings.extend(check_ctrl_c(sources));
    }
    findings
}

fn contains(sources: &[SourceFile], text: &str) -> bool {
    find_in_rust(sources, text).is_some()
}

fn unended_streams(sources: &[SourceFile]) -> Option<Finding> {
    let (location, _) = find_in_rust(sources, ".with_signal_handling(false)")?;
    if contains(sources, ".close()") || contains(sources, "shutdown_signal(") {
        return None;
    }
    Some(CHECK.warning(
        format!(
            "{location} turns the library's signal handling off, and no code ends the streams at \
             SIGTERM: the process waits for them for {DEFAULT_SHUTDOWN_TIMEOUT_SECS} seconds"
        ),
        "pass `sse.shutdown_signal()` to the server's `shutdown_signal`, or call `sse.close()`",
    ))
}

fn unclosable_connections(sources: &[SourceFile]) -> Option<Finding> {
    let mut calls = UNCLOSABLE_CONNECTIONS.iter();
    let (location, kind) =
        calls.find_map(|(call, kind)| Some((find_in_rust(sources, call)?.0, kind)))?;
    let timeout = match find_in_rust(sources, ".shutdown_timeout(") {
        // A computed timeout is not known here, and causes no finding.
        Some((_, argument)) => literal_number(argument)?,
        None => DEFAULT_SHUTDOWN_TIMEOUT_SECS,
    };
    if timeout <= MAX_SHUTDOWN_TIMEOUT_SECS {
        return None;
    }
    Some(CHECK.warning(
        format!(
            "{location} serves {kind}: a client that stays connected there can delay the process's \
             end by {timeout} seconds"
        ),
        format!(
            "write `.shutdown_timeout({MAX_SHUTDOWN_TIMEOUT_SECS})` before it; all other requests \
             then have {MAX_SHUTDOWN_TIMEOUT_SECS} second to finish, too"
        ),
    ))
}

/// The number before the closing parenthesis, if the argument is a number.
fn literal_number(argument: &str) -> Option<u64> {
    let (number, _) = argument.split_once(')')?;
    number.trim().replace('_', "").parse().ok()
}

/// At SIGINT, actix-web's own signal handling stops the server at once.
fn check_ctrl_c(sources: &[SourceFile]) -> Option<Finding> {
    let (location, _) = find_in_rust(sources, "HttpServer::new(")?;
    if contains(sources, ".disable_signals()") {
        return None;
    }
    if let Some((location, _)) = find_in_rust(sources, ".shutdown_signal(") {
        let message = format!("SIGTERM and Ctrl-C end the streams properly: {location}");
        return Some(CHECK.ok(message));
    }
    let message =
        format!("SIGTERM ends the streams properly, but Ctrl-C cuts them off: {location}");
    let help = format!(
        "add `{SHUTDOWN_CALL}` after HttpServer::new(…) to end them properly in both cases; if you \
         start your own Sse, add `.shutdown_signal(sse.shutdown_signal())`"
    );
    Some(CHECK.tip(message, help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;
    use crate::sources::source_files::FileKind;

    fn findings(code: &str) -> Vec<(Level, String)> {
        let source = SourceFile::for_test("src/main.rs", FileKind::Rust, code);
        let findings = check(&[source]).into_iter();
        findings
            .map(|finding| {
                assert!(finding.help.is_some() || !finding.is_problem());
                (finding.level, finding.message)
            })
            .collect()
    }

    fn level(code: &str) -> Option<Level> {
        let found = findings(code);
        assert!(found.len() < 2, "{found:?}");
        found.first().map(|(level, _)| *level)
    }

    #[test]
    fn a_server_with_a_shutdown_signal_is_ok() {
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
    fn streams_without_an_end_at_sigterm_are_a_warning() {
        let code = "a\nconfig.with_signal_handling(false);\n";
        let found = findings(code);
        assert_eq!(found[0].0, Level::Warning);
        assert!(found[0].1.starts_with("src/main.rs:2"), "{found:?}");
        assert_eq!(level(&format!("{code}sse.close().await;")), None);
        assert_eq!(level(&format!("{code}sse.shutdown_signal();")), None);
    }

    #[test]
    fn connections_that_can_delay_the_end_are_a_warning() {
        for call in UNCLOSABLE_CONNECTIONS.map(|(call, _)| call) {
            let with = |timeout: &str| format!("HttpServer::new(a){timeout}\n  {call}address)?");
            let found = findings(&with(""));
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
