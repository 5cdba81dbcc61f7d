//! A host with an optional port, as in `Host: app.example:8443`, in one spelling.

use std::{
    fmt::{self, Display},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// In lower case, without the dot of the root.
    Name(String),
    Ip(IpAddr),
}

impl Authority {
    /// `None`: this is not a host with an optional port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (ip, rest) = rest.split_once(']')?;
                let ip: Ipv6Addr = ip.parse().ok()?;
                let port = match rest {
                    "" => "",
                    rest => rest.strip_prefix(':')?,
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
            // `parse` alone would take a sign.
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// The same without this port, which the scheme implies.
    pub(super) fn without_port(self, implied: u16) -> Self {
        let port = self.port.filter(|port| *port != implied);
        Self { port, ..self }
    }

    /// Whether this can only mean the machine itself: nobody can make such a name resolve to another
    /// one. The unspecified address counts, because systems connect it to loopback.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            // "Users are free to use localhost names […] and can expect that resolution of such names
            // will always result in an IP loopback address." (RFC 6761, 6.3)
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ip(ip) => {
                let ip = ip.to_canonical();
                ip.is_loopback() || ip.is_unspecified()
            }
        }
    }

    /// Whether this is an address and not a name. Only names can be made to resolve to another machine.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self.host, Host::Ip(_))
    }

    /// The host without its port.
    pub(crate) fn without_any_port(&self) -> Self {
        Self {
            host: self.host.clone(),
            port: None,
        }
    }

    /// Whether a request for `named` is allowed by this entry of `SSE_ALLOWED_HOSTS`: on any port,
    /// unless the entry has one. Clients leave out the port that their scheme implies.
    pub(crate) fn allows(&self, named: &Self) -> bool {
        let allows_port = match (self.port, named.port) {
            (None, _) => true,
            (Some(port), None) => port == 80 || port == 443,
            (Some(port), Some(named)) => port == named,
        };
        self.host == named.host && allows_port
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        const LONGEST_NAME_BYTES: usize = 253;
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(ip) = name.parse::<Ipv4Addr>() {
            return Some(Self::Ip(IpAddr::V4(ip)));
        }
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        // URLs take a host whose last label is a number for an IPv4 address, and this is none.
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = name.len() <= LONGEST_NAME_BYTES
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
    fn a_host_has_one_spelling() {
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
    fn nothing_else_is_a_host() {
        let long = "a".repeat(254);
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
            &long,
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn an_entry_with_a_port_allows_that_port_only() {
        let allows = |entry: &str, named: &str| {
            Authority::parse(entry)
                .unwrap()
                .allows(&Authority::parse(named).unwrap())
        };
        assert!(allows("a.example", "A.example") && allows("a.example", "a.example:81"));
        assert!(allows("a.example:81", "a.example:81") && !allows("a.example:81", "a.example"));
        assert!(allows("a.example:443", "a.example") && !allows("a.example:443", "a.example:81"));
        assert!(!allows("a.example", "b.a.example") && !allows("b.a.example", "a.example"));
    }
}
