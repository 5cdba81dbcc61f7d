//! The URL of a server's stream.

use hyper::Uri;

use crate::exit::Failure;
use crate::http::is_loopback;
use crate::output::excerpt;

/// Where the library's routes serve the stream.
pub(crate) const STREAM_PATH: &str = "/sse/stream";

/// The stream's URL. A URL without a path gets the path of the library's routes, and one without a scheme gets the
/// scheme that is certain.
pub(crate) fn stream_url(
    text: &str,
    events: &[String],
    audiences: &[String],
) -> Result<String, Failure> {
    let url = text.split_once('#').map_or(text, |(url, _)| url);
    let url = with_scheme(url)?;
    let parsed = parse(&url).ok_or_else(|| not_a_url(text))?;
    let path = Some(parsed.path()).filter(|path| *path != "/");
    let path = path.unwrap_or(STREAM_PATH);
    // Its own query, and the names of the events to receive and of the audiences to ask for.
    let added = [list("events", events), list("to", audiences)];
    let added = added.iter().filter_map(Option::as_deref);
    let parameters: Vec<&str> = parsed.query().into_iter().chain(added).collect();
    let separator = if parameters.is_empty() { "" } else { "?" };
    let query = parameters.join("&");
    let (scheme, authority) = (parsed.scheme_str(), parsed.authority());
    let (Some(scheme), Some(authority)) = (scheme, authority) else {
        return Err(not_a_url(text));
    };
    Ok(format!("{scheme}://{authority}{path}{separator}{query}"))
}

/// A parameter with names; `None` if there are none.
fn list(parameter: &str, names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| percent_encode(name)).collect();
    (!names.is_empty()).then(|| format!("{parameter}={}", names.join(",")))
}

/// The URL of the stream from now on: without the events of the last few seconds, which a new client receives.
pub(crate) fn without_lookback(mut url: String) -> String {
    url.push(if url.contains('?') { '&' } else { '?' });
    url + "lookback=false"
}

/// A URL of http or https with a host, and with a port from 0 to 65535 if it has one.
fn parse(url: &str) -> Option<Uri> {
    let parsed: Uri = url.parse().ok()?;
    let authority = parsed.authority()?;
    // `Uri` accepts a port that is not a number, or too large.
    let (_, port) = authority.as_str().rsplit_once(authority.host())?;
    let is_port = port.is_empty() || authority.port_u16().is_some();
    let is_stream = matches!(parsed.scheme_str(), Some("http" | "https"));
    (is_stream && is_port && !authority.host().is_empty()).then_some(parsed)
}

/// Adds the scheme if it is missing. On this machine it is http, and for a domain without a port https: a password
/// in a URL must not be sent in the clear because of a guess. In other cases both are usual.
fn with_scheme(url: &str) -> Result<String, Failure> {
    if let Some((scheme, _)) = url.split_once("://") {
        return match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => Ok(url.to_owned()),
            _ => Err(other_scheme(url, scheme)),
        };
    }
    if url.starts_with(['/', '.']) {
        return Err(
            Failure::usage(format!("`{}` is a path without a host", shown(url))).with_help(
                format!(
                    "write the host before it: localhost:8080{}",
                    shown(url.trim_start_matches('.'))
                ),
            ),
        );
    }
    // As in HTTPie, `:8080` is a port of this machine.
    let url = match url.strip_prefix(':') {
        Some(port) => format!("localhost:{port}"),
        None => url.to_owned(),
    };
    let http = format!("http://{url}");
    let parsed = parse(&http).ok_or_else(|| not_a_url(&url))?;
    let authority = parsed.authority().ok_or_else(|| not_a_url(&url))?;
    let host = authority.host();
    if is_loopback(host) {
        return Ok(http);
    }
    let is_domain = host.contains(|c: char| c.is_ascii_alphabetic()) && host.contains('.');
    let https = format!("https://{url}");
    match authority.port_u16() {
        None | Some(443) if is_domain => Ok(https),
        None if !host.contains(['.', ':']) => Err(not_a_url(&url)),
        _ => Err(
            Failure::usage(format!("`{}` has no scheme", shown(&url))).with_help(format!(
                "write {} or {}",
                shown(&https),
                shown(&http)
            )),
        ),
    }
}

fn other_scheme(url: &str, scheme: &str) -> Failure {
    let rest = &url[scheme.len()..];
    Failure::usage(format!(
        "`{}` is not the URL of a stream: the scheme is neither http nor https",
        shown(url)
    ))
    .with_help(format!("write http{0} or https{0}", shown(rest)))
}

fn not_a_url(text: &str) -> Failure {
    Failure::usage(format!("`{}` is not the URL of a stream", shown(text))).with_help(
        "write it like localhost:8080, https://shop.example or http://192.0.2.1:8080/my/stream",
    )
}

/// The text without what may be a user name and a password: no message contains them.
fn shown(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else {
        return excerpt(url);
    };
    let scheme_end = before.find("://").map_or(0, |at| at + "://".len());
    excerpt(&format!("{}\u{2026}@{host}", &before[..scheme_end]))
}

fn percent_encode(text: &str) -> String {
    let encode = |byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str, events: &[&str]) -> Option<String> {
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        stream_url(text, &events, &[]).ok()
    }

    #[test]
    fn audiences_are_asked_for() {
        let names = ["order:42".to_owned(), "\u{e9} &x".to_owned()];
        let url = stream_url("http://a?x=1", &["b".to_owned()], &names);
        assert_eq!(
            url.expect("it is valid"),
            "http://a/sse/stream?x=1&events=b&to=order%3A42,%C3%A9%20%26x"
        );
    }

    #[test]
    fn a_url_without_a_path_gets_the_librarys_path() {
        for (text, events, expected) in [
            ("http://a:1", &[][..], "http://a:1/sse/stream"),
            (
                "http://a/",
                &["b", "c d"],
                "http://a/sse/stream?events=b,c%20d",
            ),
            ("https://a/my?x=1#y", &["b"], "https://a/my?x=1&events=b"),
            ("http://u:p@[::1]:1", &[], "http://u:p@[::1]:1/sse/stream"),
        ] {
            assert_eq!(url(text, events).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_missing_scheme_is_added_if_it_is_certain() {
        for (text, expected) in [
            ("localhost:8080", "http://localhost:8080/sse/stream"),
            ("LOCALHOST", "http://LOCALHOST/sse/stream"),
            (":8080/my", "http://localhost:8080/my"),
            (
                "shop.localhost:3000",
                "http://shop.localhost:3000/sse/stream",
            ),
            ("127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("127.1.2.3", "http://127.1.2.3/sse/stream"),
            ("0.0.0.0:8080", "http://0.0.0.0:8080/sse/stream"),
            ("[::1]:8080", "http://[::1]:8080/sse/stream"),
            ("localhost:8080?x=1", "http://localhost:8080/sse/stream?x=1"),
            (
                "user:secret@localhost:8080",
                "http://user:secret@localhost:8080/sse/stream",
            ),
            ("example.com", "https://example.com/sse/stream"),
            ("app.example.com/live", "https://app.example.com/live"),
            ("example.com:443", "https://example.com:443/sse/stream"),
        ] {
            assert_eq!(url(text, &[]).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_url_from_now_on_keeps_its_query() {
        let without = |text: &str| without_lookback(url(text, &["a"]).expect("a URL"));
        assert_eq!(
            without("http://a?x=1"),
            "http://a/sse/stream?x=1&events=a&lookback=false"
        );
        assert_eq!(
            without_lookback("http://a/b".to_owned()),
            "http://a/b?lookback=false"
        );
    }

    #[test]
    fn no_message_contains_a_password() {
        for text in [
            "https://u:SECRET@h:99999/",
            "ftp://u:SECRET@host/",
            "u:SECRET@192.168.0.5",
            "https://u:SEC/RET@h/",
            "https://u:SEC#RET@h/",
            "/u:SECRET@h",
        ] {
            let failure = stream_url(text, &[], &[]).expect_err(text);
            let printed = format!(
                "{} {}",
                failure.message(),
                failure.help().unwrap_or_default()
            );
            assert!(
                !printed.contains("SEC") && printed.contains("\u{2026}@"),
                "{printed}"
            );
        }
    }

    #[test]
    fn other_text_is_refused_with_what_to_write() {
        for (text, help) in [
            (
                "example.com:8080",
                "write https://example.com:8080 or http://example.com:8080",
            ),
            (
                "192.168.1.5",
                "write https://192.168.1.5 or http://192.168.1.5",
            ),
            (
                "app:8080/x",
                "write https://app:8080/x or http://app:8080/x",
            ),
            ("8080", "localhost:8080"),
            ("event_name1", "localhost:8080"),
            ("ftp://a", "write http://a or https://a"),
            ("/sse/stream", "localhost:8080/sse/stream"),
            ("http://a:99999", "localhost:8080"),
            ("localhost:99999", "localhost:8080"),
            ("http://a:x", "localhost:8080"),
            ("http:/localhost:8080", "localhost:8080"),
            ("http:localhost", "localhost:8080"),
            ("not a url", "localhost:8080"),
            ("", "localhost:8080"),
            ("http://", "localhost:8080"),
        ] {
            let failure = stream_url(text, &[], &[]).expect_err(text);
            assert_eq!(failure.code(), crate::exit::USAGE, "{text}");
            let given = failure.help().unwrap_or_default();
            assert!(given.contains(help), "{text}: {given}");
        }
    }
}
