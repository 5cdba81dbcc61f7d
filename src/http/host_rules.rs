//! The rules for the host of a request: which hosts are this machine, and which a list allows.

use crate::config::{Authority, Host};

impl Authority {
    /// Whether the host can only mean this machine, because no DNS record can make it resolve to
    /// another. The unspecified address counts, because systems connect it to loopback.
    pub(super) fn is_loopback(&self) -> bool {
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

    /// Whether the host is an IP address. Only names can be made to resolve to another machine.
    pub(super) fn is_ip(&self) -> bool {
        matches!(self.host, Host::Ip(_))
    }

    /// The host without its port.
    pub(super) fn host_only(&self) -> Self {
        Self {
            host: self.host.clone(),
            port: None,
        }
    }

    /// Whether this entry of `SSE_ALLOWED_HOSTS` allows a request for `requested`: on any port,
    /// unless the entry has one. Clients omit the default port of their scheme.
    pub(super) fn allows(&self, requested: &Self) -> bool {
        let allows_port = match (self.port, requested.port) {
            (None, _) => true,
            (Some(port), None) => port == 80 || port == 443,
            (Some(port), Some(requested)) => port == requested,
        };
        self.host == requested.host && allows_port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_a_port_allows_only_that_port() {
        let allows = |entry: &str, requested: &str| {
            Authority::parse(entry)
                .unwrap()
                .allows(&Authority::parse(requested).unwrap())
        };
        assert!(allows("a.example", "A.example") && allows("a.example", "a.example:81"));
        assert!(allows("a.example:81", "a.example:81") && !allows("a.example:81", "a.example"));
        assert!(allows("a.example:443", "a.example") && !allows("a.example:443", "a.example:81"));
        assert!(!allows("a.example", "b.a.example") && !allows("b.a.example", "a.example"));
    }
}
