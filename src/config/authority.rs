//! A host with an optional port, as in `Host: app.example:8443`, in a canonical spelling.

use std::{
    fmt::{self, Display},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) host: Host,
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case, without a trailing dot.
    Name(String),
    Ip(IpAddr),
}

impl Authority {
    /// `None` if `text` is not a host with an optional port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (ip, after) = bracketed.split_once(']')?;
                let ip: Ipv6Addr = ip.parse().ok()?;
                let port = match after {
                    "" => "",
                    after => after.strip_prefix(':')?,
                };
                (Host::Ip(IpAddr::V6(ip)), port)
            }
            None => {
                let (host, port) = text.split_once(':').unwrap_or((text, ""));
                (Host::parse(host)?, port)
            }
        };
        let port = match port {
            "" => None,
            // `parse` alone would accept a sign.
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    #[cfg(feature = "actix")]
    pub(super) fn localhost() -> Self {
        let host = Host::Name("localhost".to_owned());
        Self { host, port: None }
    }

    /// Removes the port if it is the scheme's default.
    pub(super) fn without_port(self, default: u16) -> Self {
        let port = self.port.filter(|port| *port != default);
        Self { port, ..self }
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        // The longest name that fits into DNS's 255 bytes (RFC 1035, 2.3.4).
        const MAX_NAME_BYTES: usize = 253;
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(ip) = name.parse::<Ipv4Addr>() {
            return Some(Self::Ip(IpAddr::V4(ip)));
        }
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        // In a URL, a host whose last label is a number must be an IPv4 address, and this is not one.
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = name.len() <= MAX_NAME_BYTES
            && name.split('.').all(is_label)
            && !name.rsplit('.').next().is_some_and(is_number);
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

impl Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => f.write_str(name)?,
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}")?,
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Authority::parse(text).map(|authority| authority.to_string())
    }

    #[test]
    fn a_host_has_a_canonical_spelling() {
        for (text, spelling) in [
            ("App.Example:8443", "app.example:8443"),
            ("app.example.", "app.example"),
            ("app.example:", "app.example"),
            ("a_b.xn--bcher-kva.example", "a_b.xn--bcher-kva.example"),
            ("127.0.0.1:080", "127.0.0.1:80"),
            ("[2001:DB8:0::1]:80", "[2001:db8::1]:80"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(spelling));
        }
    }

    #[test]
    fn text_that_is_not_a_host_is_rejected() {
        let too_long = "a".repeat(254);
        for text in [
            "",
            ".",
            ":80",
            "a..b",
            "a b",
            "a/",
            "u@a",
            "a:b",
            "a:+1",
            "a:65536",
            "a:1:2",
            "1.2.3",
            "1.2.3.4.5",
            "::1",
            "[::1",
            "[::1]80",
            "[a]",
            "b\u{fc}cher.example",
            "a,b",
            "*.a",
            &too_long,
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
