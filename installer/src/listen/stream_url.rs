//! The URL of a server's stream.

use hyper::Uri;

use crate::exit::Failure;
use crate::output::excerpt;

/// Where the library's routes serve the stream.
pub(crate) const STREAM_PATH: &str = "/sse/stream";

/// The stream's URL. A URL without a path gets the path of the library's routes.
pub(crate) fn stream_url(text: &str, events: &[String]) -> Result<String, Failure> {
    let url = text.split_once('#').map_or(text, |(url, _)| url);
    let invalid = || {
        Failure::usage(format!("`{}` is not the URL of a stream", excerpt(text)))
            .with_help("write it like http://127.0.0.1:8080/sse/stream")
    };
    let parsed: Uri = url.parse().map_err(|_| invalid())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) =
        (parsed.scheme_str(), parsed.authority())
    else {
        return Err(invalid());
    };
    // `Uri` accepts a port that is not a number, or too large.
    let (_, port) = authority
        .as_str()
        .rsplit_once(authority.host())
        .unwrap_or_default();
    if !port.is_empty() && authority.port_u16().is_none() {
        return Err(invalid());
    }
    let path = Some(parsed.path()).filter(|path| *path != "/");
    let path = path.unwrap_or(STREAM_PATH);
    // Its own query, and the names of the events to receive.
    let names: Vec<String> = events.iter().map(|event| percent_encode(event)).collect();
    let names = (!names.is_empty()).then(|| format!("events={}", names.join(",")));
    let parameters = parsed.query().into_iter().chain(names.as_deref());
    let parameters: Vec<&str> = parameters.collect();
    let separator = if parameters.is_empty() { "" } else { "?" };
    let query = parameters.join("&");
    Ok(format!("{scheme}://{authority}{path}{separator}{query}"))
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
        stream_url(text, &events).ok()
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
    fn other_text_is_refused() {
        for text in [
            "http://a:99999",
            "http://a:x",
            "127.0.0.1:8080",
            "ftp://a",
            "/sse/stream",
            "",
            "http://",
        ] {
            assert_eq!(url(text, &[]), None, "{text}");
        }
    }
}
