//! Answers that are no stream, and servers that give none.

use super::probe::{Connection, Head, LONGEST};
use crate::doctor::finding::Finding;

pub(super) const CHECK: &str = "answer";

/// No answer came.
pub(super) fn unreached(url: &str, error: &ureq::Error) -> Finding {
    use ureq::{Error, Timeout};
    let seconds = LONGEST.as_secs();
    let (what, help) = match error {
        Error::Timeout(Timeout::RecvResponse) => (
            format!("{url} takes the request and does not answer within {seconds} s"),
            BUFFERED.to_owned(),
        ),
        Error::HostNotFound => (
            format!("{url}: there is no such host"),
            "correct the host's name".to_owned(),
        ),
        _ if url.starts_with("https:") => (
            format!("{url} cannot be reached: {error}"),
            "start the server, and check host, port and certificate; one without TLS has an http: \
             address"
                .to_owned(),
        ),
        _ => (
            format!("{url} cannot be reached: {error}"),
            "start the server, and check host, port and firewall".to_owned(),
        ),
    };
    Finding::error(CHECK, what, help)
}

/// What to do about who holds a stream back.
pub(super) const BUFFERED: &str = "something on the way collects the answer before it passes it on: \
    switch that off for this path (nginx: `proxy_buffering off;`), or let it respect the header \
    X-Accel-Buffering";

/// Why the answer is no stream, if it is none.
pub(super) fn no_stream(connection: &mut Connection) -> Option<Finding> {
    if is_stream(&connection.head) {
        return None;
    }
    let text = connection.text();
    Some(judge(&connection.head, &text))
}

fn is_stream(head: &Head) -> bool {
    head.status == 200 && mime(head).eq_ignore_ascii_case("text/event-stream")
}

fn mime(head: &Head) -> String {
    let mime = head.header("content-type").unwrap_or_default();
    mime.split(';').next().unwrap_or_default().trim().to_owned()
}

fn judge(head: &Head, text: &str) -> Finding {
    let (words, own_help) = words(text);
    let status = head.status;
    let says = if words.is_empty() {
        format!("the answer is {status}")
    } else {
        format!("the answer is {status}: {words}")
    };
    let location = head.header("location").unwrap_or_default();
    let help = match status {
        200 => {
            let what = format!(
                "the answer is no stream: its content-type is `{}`, not text/event-stream",
                mime(head)
            );
            let help = "the address belongs to something else: the library's routes serve the \
                        stream at /sse/stream, below the scope that they are configured in";
            return Finding::error(CHECK, what, help);
        }
        300..=399 => {
            return Finding::warning(
                CHECK,
                format!("the answer is {status}, a redirect to {location}"),
                "use that address in sse-client.js, and give it to `sse doctor`; if it is a login, a \
                 guard stands before the stream, and only pages that are logged in can listen",
            );
        }
        401 | 403 => "a guard stands before the stream, and lets in who is logged in: open it in a \
                      browser that is, or run `sse doctor` behind the guard"
            .to_owned(),
        404 => "the stream is not served there: `.configure(actix_web_sse::routes)` is missing, or \
                stands in a scope, which then is part of the address, or a proxy drops part of the path"
            .to_owned(),
        421 if own_help.is_empty() => "the server does not answer for this host name: behind a reverse \
                      proxy that forwards it, add it to SSE_ALLOWED_HOSTS in the app's .env"
            .to_owned(),
        502 | 504 => "the answer is a proxy's, which does not reach the app: start the app, and \
                      correct the address that the proxy has"
            .to_owned(),
        503 => match head.header("retry-after") {
            Some(after) => format!("{own_help}; it may be tried again after {after} s"),
            None => own_help.clone(),
        },
        _ => own_help.clone(),
    };
    let help = if help.is_empty() || help.starts_with("; ") {
        format!("see the log of the server{help}")
    } else {
        help
    };
    Finding::error(CHECK, says, help)
}

/// The first line of the answer, if it is text for people, and the help in it.
fn words(text: &str) -> (String, String) {
    const LONGEST: usize = 200;
    let text = text.trim();
    if text.starts_with('<') || text.starts_with('{') || text.contains('\0') {
        return (String::new(), String::new());
    }
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let help = lines.find_map(|line| line.strip_prefix("help: "));
    (
        first.chars().take(LONGEST).collect(),
        help.unwrap_or_default().chars().take(LONGEST).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::probe::tests::head;
    use super::*;
    use crate::doctor::finding::Level;

    fn found(status: u16, headers: &[(&str, &str)], text: &str) -> (String, String) {
        let finding = judge(&head(status, headers), text);
        assert!(finding.is_bad());
        (finding.what, finding.help.unwrap_or_default())
    }

    #[test]
    fn a_stream_is_known_by_status_and_type() {
        let is = |status, mime| is_stream(&head(status, &[("content-type", mime)]));
        assert!(is(200, "text/event-stream"));
        assert!(is(200, "text/event-stream; charset=utf-8"));
        assert!(!is(200, "text/html"));
        assert!(!is(404, "text/event-stream"));
    }

    #[test]
    fn each_status_has_its_remedy() {
        for (status, help) in [
            (404, "actix_web_sse::routes"),
            (401, "guard"),
            (403, "guard"),
            (421, "SSE_ALLOWED_HOSTS"),
            (502, "proxy's"),
            (500, "log of the server"),
        ] {
            let (what, found) = found(status, &[], "<html>");
            assert_eq!(what, format!("the answer is {status}"));
            assert!(found.contains(help), "{status}: {found}");
        }
    }

    #[test]
    fn a_503_tells_its_reason_and_when_to_come_back() {
        let text = "error: SSE_EVENTS is missing\nhelp: add it\n";
        let (what, help) = found(503, &[("retry-after", "7")], text);
        assert_eq!(what, "the answer is 503: SSE_EVENTS is missing");
        assert_eq!(help, "add it; it may be tried again after 7 s");
        let (_, help) = found(503, &[("retry-after", "7")], "");
        assert_eq!(
            help,
            "see the log of the server; it may be tried again after 7 s"
        );
    }

    #[test]
    fn a_421_says_which_host_to_allow() {
        let text = "error: this server does not answer for the host `app.example`\n\
                    help: add it to the app's .env: SSE_ALLOWED_HOSTS=app.example\n";
        let (what, help) = found(421, &[], text);
        assert!(what.starts_with("the answer is 421: this server"), "{what}");
        assert_eq!(
            help,
            "add it to the app's .env: SSE_ALLOWED_HOSTS=app.example"
        );
    }

    #[test]
    fn a_redirect_is_a_warning_that_says_where_to() {
        let finding = judge(&head(302, &[("location", "/login")]), "");
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.what.ends_with("to /login"), "{}", finding.what);
    }

    #[test]
    fn a_page_is_no_stream() {
        let (what, _) = found(200, &[("content-type", "text/html; charset=utf-8")], "<p>");
        assert!(what.contains("`text/html`"), "{what}");
    }
}
