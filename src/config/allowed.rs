//! Parses `SSE_ALLOWED_ORIGINS` and `SSE_ALLOWED_HOSTS` into the spelling that requests are compared
//! with.

use super::authority::Authority;
use crate::error::Error;

/// Why an item of a list cannot be used, and what to write instead.
pub(super) struct Rejected {
    /// Continues a sentence that starts with the list.
    reason: String,
    help: String,
}

/// The items of a comma-separated value.
pub(super) fn split_items(value: &str) -> impl Iterator<Item = &str> {
    let items = value.split(',').map(str::trim);
    items.filter(|item| !item.is_empty())
}

/// Parses each item. `error` makes an error of the reason why one is rejected.
pub(super) fn parse_items<T, S: AsRef<str>>(
    items: impl IntoIterator<Item = S>,
    parse: fn(&str) -> Result<T, Rejected>,
    error: impl Fn(String) -> Error,
) -> Result<Vec<T>, Error> {
    let error = |rejected: Rejected| error(rejected.reason).with_help(rejected.help);
    let parsed = items.into_iter().map(|item| parse(item.as_ref()));
    parsed.map(|item| item.map_err(&error)).collect()
}

/// An origin as browsers send it: "scheme and domains serializations are all lower case ASCII,
/// without percent encoding" (Fetch), and the scheme's default port is omitted.
pub(super) fn parse_allowed_origin(text: &str) -> Result<String, Rejected> {
    if text.eq_ignore_ascii_case("null") {
        return Err(Rejected {
            reason: "contains `null`, which any page can send and which is therefore never allowed"
                .into(),
            help: "serve the page from an http or https address instead of a file or a sandboxed \
                   frame, and write the origin of that address: https://app.example"
                .into(),
        });
    }
    canonical_origin(text).map_err(|help| Rejected {
        reason: format!("contains `{text}`, which is not an origin"),
        help,
    })
}

/// The error is the help.
fn canonical_origin(text: &str) -> Result<String, String> {
    if text.contains('*') {
        return Err(
            "wildcards are not supported: list each origin, for example \
             https://app.example,https://other.example:8443"
                .into(),
        );
    }
    let Some((scheme, after_scheme)) = text.split_once("://") else {
        return Err(match Authority::parse(text) {
            Some(authority) => format!("add the scheme: https://{authority}"),
            None => ORIGIN_HELP.into(),
        });
    };
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        "http" => ("http", 80),
        _ => return Err(ORIGIN_HELP.into()),
    };
    let end = after_scheme
        .find(['/', '?', '#'])
        .unwrap_or(after_scheme.len());
    let Some(authority) = Authority::parse(&after_scheme[..end]) else {
        return Err(match after_scheme.is_ascii() {
            true => ORIGIN_HELP.into(),
            false => {
                "write the host as browsers send it, in ASCII: https://xn--bcher-kva.example".into()
            }
        });
    };
    let origin = format!("{scheme}://{}", authority.without_port(default_port));
    if end < after_scheme.len() {
        return Err(format!(
            "an origin has no path and no trailing slash: write {origin}"
        ));
    }
    Ok(origin)
}

const ORIGIN_HELP: &str = "write the scheme, host and port as browsers send them, without a path: https://app.example:8443";

/// A host that requests may be for.
pub(super) fn parse_allowed_host(text: &str) -> Result<Authority, Rejected> {
    if let Some(authority) = Authority::parse(text) {
        return Ok(authority);
    }
    Err(Rejected {
        reason: format!("contains `{text}`, which is not a host name"),
        help: host_help(text),
    })
}

fn host_help(text: &str) -> String {
    let after_scheme = text.split_once("://").map_or(text, |(_, after)| after);
    let without_path = after_scheme.split('/').next().unwrap_or_default();
    if text.contains('*') {
        "wildcards are not supported: list each host, for example app.example,other.example:8443"
            .into()
    } else if !text.is_ascii() {
        "write the host as browsers send it, in ASCII: xn--bcher-kva.example".into()
    } else if text.contains("::") && Authority::parse(&format!("[{text}]")).is_some() {
        format!("write an IPv6 address in brackets: [{text}]")
    } else {
        match Authority::parse(without_path) {
            Some(authority) => {
                format!("write only the host, without scheme and path: {authority}")
            }
            None => {
                "write host names, with or without a port: app.example,other.example:8443".into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_spelled_as_browsers_send_it() {
        for (text, expected) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(
                parse_allowed_origin(text).ok().as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_rejected_origin_comes_with_a_correction() {
        for (text, help) in [
            ("https://app.example/", "write https://app.example"),
            ("HTTPS://App.Example:443/a?b", "write https://app.example"),
            ("https://app.example?", "write https://app.example"),
            ("app.example:8443", "https://app.example:8443"),
            ("*", "wildcards"),
            ("https://*.app.example", "wildcards"),
            ("null", "serve the page"),
            ("NULL", "serve the page"),
            ("https://b\u{fc}cher.example", "xn--"),
            ("ftp://app.example", "without a path"),
            ("https://user@app.example", "without a path"),
            ("https://", "without a path"),
            ("https://app.example:https", "without a path"),
        ] {
            let rejected = parse_allowed_origin(text).expect_err(text);
            assert!(rejected.help.contains(help), "{text}: {}", rejected.help);
        }
    }

    #[test]
    fn a_rejected_host_comes_with_a_correction() {
        for (text, help) in [
            ("https://App.example:8443/x", "path: app.example:8443"),
            ("app.example/", "path: app.example"),
            ("*.app.example", "wildcards"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("b\u{fc}cher.example", "xn--"),
            ("app.example:http", "with or without a port"),
        ] {
            let rejected = parse_allowed_host(text).expect_err(text);
            assert!(rejected.help.contains(help), "{text}: {}", rejected.help);
        }
    }
}
