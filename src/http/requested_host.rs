//! Which host a request is for, and whether this server answers for it.
//!
//! A page on the network can have its own name resolve to the visitor's machine (DNS rebinding). To the
//! browser, the page then has the same origin as a server on that machine, and may read everything.
//! The host name shows it: the browser sends the page's own name as `Host`, and no page can change that.

use std::net::IpAddr;

use actix_web::{HttpRequest, http::header, http::uri};
use tracing::Level;

use super::connection::LocalAddress;
use crate::{
    config::{Authority, Host},
    error::{Error, ErrorKind},
    runtime::LimitedLog,
};

/// The host that a request is for.
#[derive(Debug, Clone, Default)]
pub(super) enum RequestedHost {
    /// A loopback name or none. Browsers always send a host, so a request without one is not from a
    /// page.
    #[default]
    Loopback,
    /// An IP address. It cannot be made to resolve to another machine, so a page that a browser loaded
    /// from this address is this server's own. Health checks and load balancers use addresses.
    Ip,
    /// Another host, or two (see [`requested_names`]) of which at least one is not a loopback name or
    /// an IP address.
    Other {
        names: Vec<Authority>,
        arrived_on_loopback: bool,
    },
    /// "A server MUST respond with a 400 (Bad Request) status code […] to any request message that
    /// contains more than one Host header field line or a Host header field with an invalid field
    /// value." (RFC 9112, 3.2) An empty value is valid, but names no host: "If the target URI's authority
    /// component is empty and its URI scheme requires a non-empty authority (as is the case for "http"
    /// and "https"), the server can reject the request" (RFC 9112, 3.3).
    Invalid,
}

impl RequestedHost {
    pub(super) fn new(request: &HttpRequest) -> Self {
        let Some(mut names) = requested_names(request) else {
            return Self::Invalid;
        };
        names.retain(|name| !name.is_loopback());
        if names.is_empty() {
            return Self::Loopback;
        }
        if names.iter().all(Authority::is_ip) {
            return Self::Ip;
        }
        Self::Other {
            names,
            arrived_on_loopback: arrived_on_loopback(request),
        }
    }

    /// Fails if such a request must not be answered. Without a list of allowed hosts, only requests
    /// that arrived on a loopback address are checked.
    pub(super) fn check(&self, allowed: Option<&[Authority]>) -> Result<(), Error> {
        let (names, arrived_on_loopback) = match self {
            Self::Loopback | Self::Ip => return Ok(()),
            Self::Other {
                names,
                arrived_on_loopback,
            } => (names, arrived_on_loopback),
            Self::Invalid => return Err(host_not_valid()),
        };
        if allowed.is_none() && !arrived_on_loopback {
            return Ok(());
        }
        let allowed = allowed.unwrap_or_default();
        let is_allowed =
            |name: &Authority| name.is_ip() || allowed.iter().any(|entry| entry.allows(name));
        match names.iter().find(|name| !is_allowed(name)) {
            Some(name) => Err(host_not_allowed(name)),
            None => Ok(()),
        }
    }
}

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

/// The hosts that a request names, or `None` if it does not name them validly. A browser's request names
/// one, so both of two must be allowed.
///
/// "When an origin server receives a request with an absolute-form of request-target, the origin
/// server MUST ignore the received Host header field (if any)" (RFC 9112, 3.2.2). In HTTP/2, the
/// target's authority is `:authority`.
fn requested_names(request: &HttpRequest) -> Option<Vec<Authority>> {
    let mut in_headers = request.headers().get_all(header::HOST);
    let in_header = in_headers.next();
    if in_headers.next().is_some() {
        return None;
    }
    let in_header = in_header.map(|value| value.to_str().unwrap_or_default());
    let in_target = request.uri().authority().map(uri::Authority::as_str);
    let names = in_target.into_iter().chain(in_header);
    names.map(Authority::parse).collect()
}

fn host_not_allowed(name: &Authority) -> Error {
    refuse(&format!(
        "this server does not answer for the host `{name}`"
    ))
    .with_help(format!(
        "if a reverse proxy forwards this host name, add it to SSE_ALLOWED_HOSTS in the app's \
         .env, for example SSE_ALLOWED_HOSTS={}",
        name.host_only()
    ))
}

fn host_not_valid() -> Error {
    static LOG: LimitedLog = LimitedLog::new(
        Level::WARN,
        "requests were refused with 400 for their Host header",
    );
    const MESSAGE: &str = "the request's Host header is not valid";
    LOG.log(|| format!("400: {MESSAGE}"));
    Error::new(ErrorKind::Request, MESSAGE).with_help(
        "send one Host header with a host name and an optional port, such as localhost:8080",
    )
}

/// Logs the refusal and returns its error.
fn refuse(message: &str) -> Error {
    log_refusal(message);
    Error::new(ErrorKind::Host, message)
}

/// Logs a refusal, because middleware that logs requests may not see it.
fn log_refusal(message: &str) {
    static LOG: LimitedLog = LimitedLog::new(Level::WARN, "requests were refused with 421");
    LOG.log(|| format!("421: {message}; see SSE_ALLOWED_HOSTS"));
}

/// Decides by the local address of the connection if [`on_connect`](crate::on_connect()) has recorded
/// it, and by the address that the server is bound to otherwise: actix-web exposes no other.
fn arrived_on_loopback(request: &HttpRequest) -> bool {
    // For a Unix socket, actix-web has no peer address, and a made-up loopback address as the local
    // one. Browsers cannot connect to a Unix socket.
    if request.peer_addr().is_none() {
        return false;
    }
    let local = match request.conn_data::<LocalAddress>() {
        Some(LocalAddress(ip)) => *ip,
        None => request.app_config().local_addr().ip(),
    };
    is_loopback(local)
}

pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    /// A request to a server bound to 127.0.0.1, as `TestRequest` assumes.
    fn request(uri: &str) -> TestRequest {
        TestRequest::with_uri(uri).peer_addr(([127, 0, 0, 1], 50_000).into())
    }

    fn is_answered(request: TestRequest, allowed: &[&str]) -> bool {
        let allowed: Vec<_> = allowed
            .iter()
            .map(|host| Authority::parse(host).unwrap())
            .collect();
        RequestedHost::new(&request.to_http_request())
            .check((!allowed.is_empty()).then_some(&allowed))
            .is_ok()
    }

    #[test]
    fn the_authority_of_http_2_counts_as_the_host() {
        assert!(is_answered(request("http://localhost:8080/"), &[]));
        assert!(!is_answered(request("http://evil.example/"), &[]));
        assert!(is_answered(
            request("http://app.example/"),
            &["app.example"]
        ));
        let both = request("http://localhost/").insert_header(("host", "evil.example"));
        assert!(!is_answered(both, &[]));
    }

    #[test]
    fn every_host_of_a_request_must_be_allowed() {
        let two = request("/").append_header(("host", "localhost"));
        let two = two.append_header(("host", "app.example"));
        assert!(!is_answered(two, &["app.example"]), "two headers");
        let two = request("http://app.example/").insert_header(("host", "evil.example"));
        assert!(!is_answered(two, &["app.example"]));
    }

    #[test]
    fn a_host_that_is_not_text_is_refused() {
        let odd = header::HeaderValue::from_bytes(b"localhost\xff").unwrap();
        assert!(!is_answered(request("/").insert_header(("host", odd)), &[]));
    }

    #[test]
    fn a_request_over_a_unix_socket_is_checked_only_against_a_list() {
        let request = || TestRequest::with_uri("/").insert_header(("host", "app.example"));
        assert!(is_answered(request(), &[]));
        assert!(!is_answered(request(), &["other.example"]));
    }

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
