//! Whether browsers let pages of another origin receive the events.

use crate::doctor::finding::{Check, Finding};
use crate::http::ResponseHead;

const CHECK: Check = Check("origin");

/// Judges the response to a request with the header `Origin`.
pub(super) fn check(head: &ResponseHead, origin: &str) -> Finding {
    let header = |name| head.header(name).unwrap_or_default();
    let allowed_origin = header("access-control-allow-origin");
    if allowed_origin.is_empty() {
        return CHECK.error(
            format!(
                "pages of {origin} receive no events: the response has no \
                 access-control-allow-origin"
            ),
            format!(
                "add the origin to SSE_ALLOWED_ORIGINS in the app's .env, as in \
                 SSE_ALLOWED_ORIGINS={origin}; if it is there, let the proxy forward the header \
                 Origin and this response header"
            ),
        );
    }
    if allowed_origin != origin && allowed_origin != "*" {
        return CHECK.error(
            format!(
                "pages of {origin} receive no events: access-control-allow-origin is \
                 `{allowed_origin}`"
            ),
            "the library sends the page's origin: let the proxy neither change this header nor add \
             it a second time",
        );
    }
    // With cookies, browsers accept neither `*` nor a response without the second header.
    if allowed_origin == origin && header("access-control-allow-credentials") == "true" {
        return CHECK.ok(format!("pages of {origin} receive the events"));
    }
    CHECK.tip(
        format!("pages of {origin} receive the events, but only without cookies"),
        "the library also allows cookies: let the proxy change neither \
         access-control-allow-origin nor access-control-allow-credentials",
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::head;
    use super::*;
    use crate::doctor::finding::Level;

    const ORIGIN: &str = "https://app.example";

    #[test]
    fn pages_need_their_origin_in_the_response_exactly_once() {
        let credentials = ("access-control-allow-credentials", "true");
        let allowed = |origin| ("access-control-allow-origin", origin);
        for (headers, expected) in [
            (&[allowed(ORIGIN), credentials][..], Level::Ok),
            (&[allowed(ORIGIN)], Level::Note),
            (&[allowed("*"), credentials], Level::Note),
            (&[credentials], Level::Error),
            (&[allowed("https://other.example")], Level::Error),
            (&[allowed(ORIGIN), allowed(ORIGIN)], Level::Error),
        ] {
            let finding = check(&head(200, headers), ORIGIN);
            assert_eq!(finding.level, expected, "{headers:?}");
        }
    }
}
