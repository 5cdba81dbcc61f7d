//! `SSE_ALLOWED_ORIGINS` and `SSE_ALLOWED_HOSTS`: lists of names, each in the spelling that requests
//! are compared with.

use super::authority::Authority;

/// Why an item of a list cannot be used, and what to write instead.
pub(super) struct Unusable {
    pub(super) what: String,
    pub(super) help: String,
}

/// The items of a value, which commas separate.
pub(super) fn items(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// An origin as browsers send it: "scheme and domains serializations are all lower case ASCII,
/// without percent encoding" (Fetch), and the scheme's own port is left out.
pub(super) fn origin(text: &str) -> Result<String, Unusable> {
    let unusable = |help: String| Unusable {
        what: format!("has `{text}`, which is not an origin"),
        help,
    };
    if text.eq_ignore_ascii_case("null") {
        return Err(Unusable {
            what: "has `null`, which any page can send and which is therefore never allowed".into(),
            help: "serve the page from an http or https address instead of a file or a sandboxed \
                   frame, and write that address's origin: https://app.example"
                .into(),
        });
    }
    if text.contains('*') {
        return Err(unusable(
            "wildcards are not supported: write each origin, as in \
             https://app.example,https://other.example:8443"
                .into(),
        ));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(unusable(match Authority::parse(text) {
            Some(host) => format!("write the scheme, too: https://{host}"),
            None => ORIGIN_HELP.into(),
        }));
    };
    let (scheme, implied_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        "http" => ("http", 80),
        _ => return Err(unusable(ORIGIN_HELP.into())),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(host) = Authority::parse(&rest[..end]) else {
        return Err(unusable(match rest.is_ascii() {
            true => ORIGIN_HELP.into(),
            false => {
                "write the host as browsers send it, in ASCII: https://xn--bcher-kva.example".into()
            }
        }));
    };
    let origin = format!("{scheme}://{}", host.without_port(implied_port));
    if end < rest.len() {
        return Err(unusable(format!(
            "an origin has no path, and no slash at its end: write {origin}"
        )));
    }
    Ok(origin)
}

const ORIGIN_HELP: &str =
    "write scheme, host and port as browsers send them, without a path: https://app.example:8443";

/// A host that requests may name.
pub(super) fn host(text: &str) -> Result<Authority, Unusable> {
    if let Some(host) = Authority::parse(text) {
        return Ok(host);
    }
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let without_path = after_scheme.split('/').next().unwrap_or_default();
    let help = if text.contains('*') {
        "wildcards are not supported: write each host, as in app.example,other.example:8443".into()
    } else if !text.is_ascii() {
        "write the host as browsers send it, in ASCII: xn--bcher-kva.example".into()
    } else if text.contains("::") && Authority::parse(&format!("[{text}]")).is_some() {
        format!("write an IPv6 address in brackets: [{text}]")
    } else {
        match Authority::parse(without_path) {
            Some(host) => format!("write the host alone, without scheme and path: {host}"),
            None => {
                "write host names, with or without a port: app.example,other.example:8443".into()
            }
        }
    };
    Err(Unusable {
        what: format!("has `{text}`, which is not a host name"),
        help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for (text, expected) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443", "https://app.example"),
            ("http://app.example:80", "http://app.example"),
            ("http://app.example:443", "http://app.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(origin(text).ok().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_an_origin_is_told_how_to_become_one() {
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
            let why = origin(text).expect_err(text);
            assert!(why.help.contains(help), "{text}: {}", why.help);
        }
    }

    #[test]
    fn what_cannot_be_a_host_is_told_how_to_become_one() {
        for (text, help) in [
            ("https://App.example:8443/x", "path: app.example:8443"),
            ("app.example/", "path: app.example"),
            ("*.app.example", "wildcards"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("b\u{fc}cher.example", "xn--"),
            ("app.example:http", "with or without a port"),
        ] {
            let why = host(text).expect_err(text);
            assert!(why.help.contains(help), "{text}: {}", why.help);
        }
    }
}
