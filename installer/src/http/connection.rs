//! A connection to a server: through a proxy or directly, with or without TLS, for HTTP/2 or HTTP/1.1.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Request, Response, Uri};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::error::{ErrorKind, RequestError, with_causes};
use super::tls::handshake_error;

/// What TLS and HTTP are spoken over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

type BoxedTransport = Box<dyn Transport>;

/// Sends requests without bodies.
pub(super) enum Connection {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// How to reach the server.
pub(super) struct Route<'a> {
    pub(super) url: &'a Uri,
    pub(super) proxy: Option<&'a Intercept>,
    /// For https.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl Route<'_> {
    /// Connects, and returns how long the TCP handshake took, which is one round trip.
    pub(super) async fn connect(
        self,
        time_limit: Duration,
    ) -> Result<(Connection, Duration), RequestError> {
        let connected = timeout(time_limit, self.open(time_limit)).await;
        connected.unwrap_or_else(|_| Err(not_connected_within(time_limit)))
    }

    async fn open(self, time_limit: Duration) -> Result<(Connection, Duration), RequestError> {
        let opened = self.open_transport(time_limit).await?;
        let connection = match opened.has_http2 {
            true => speak_http2(opened.transport).await?,
            false => speak_http1(opened.transport).await?,
        };
        Ok((connection, opened.round_trip))
    }

    async fn open_transport(self, time_limit: Duration) -> Result<OpenTransport, RequestError> {
        let target = self.proxy.map_or(self.url, Intercept::uri);
        let (tcp, round_trip) = open_tcp(target, time_limit).await.map_err(|mut error| {
            if self.proxy.is_some() {
                let proxy = host_of(target);
                error.reason = format!("the proxy {proxy} of the environment: {}", error.reason);
            }
            error
        })?;
        let Some(tls) = self.tls else {
            return Ok(OpenTransport {
                transport: Box::new(tcp),
                has_http2: false,
                round_trip,
            });
        };
        let transport = match self.proxy {
            Some(proxy) => tunnel(tcp, self.url, proxy).await?,
            None => Box::new(tcp),
        };
        let name = ServerName::try_from(host_of(self.url).to_owned());
        let name = name.map_err(|_| RequestError::unreachable("its name is not a host name"))?;
        let stream = TlsConnector::from(tls).connect(name, transport).await;
        let stream = stream.map_err(|error| handshake_error(&error))?;
        Ok(OpenTransport {
            has_http2: stream.get_ref().1.alpn_protocol() == Some(b"h2"),
            transport: Box::new(stream),
            round_trip,
        })
    }
}

/// What HTTP can be spoken over now.
struct OpenTransport {
    transport: BoxedTransport,
    has_http2: bool,
    round_trip: Duration,
}

/// Connects to the server of the URL, without a proxy.
#[cfg(feature = "serve")]
pub(crate) async fn open_transport(
    url: &Uri,
    tls: Option<Arc<ClientConfig>>,
    time_limit: Duration,
) -> Result<Box<dyn Transport>, RequestError> {
    let route = Route {
        url,
        proxy: None,
        tls,
    };
    let opened = timeout(time_limit, route.open_transport(time_limit)).await;
    let opened = opened.unwrap_or_else(|_| Err(not_connected_within(time_limit)))?;
    Ok(opened.transport)
}

fn not_connected_within(time_limit: Duration) -> RequestError {
    let seconds = time_limit.as_secs_f64();
    RequestError::unreachable(format!("no connection within {seconds} s"))
}

impl Connection {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    pub(super) async fn send(
        &mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, RequestError> {
        let response = match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        };
        Ok(response?)
    }
}

async fn speak_http1(transport: BoxedTransport) -> Result<Connection, RequestError> {
    let (sender, connection) = http1::handshake(TokioIo::new(transport)).await?;
    // The task ends with the runtime. The response reports its errors.
    tokio::spawn(connection);
    Ok(Connection::Http1(sender))
}

async fn speak_http2(transport: BoxedTransport) -> Result<Connection, RequestError> {
    let io = TokioIo::new(transport);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
    tokio::spawn(connection);
    Ok(Connection::Http2(sender))
}

/// Tries the addresses of the host in turn. Each gets its share of the time, so that one that swallows
/// packets, such as IPv6 in a network without it, does not hide the others.
async fn open_tcp(url: &Uri, time_limit: Duration) -> Result<(TcpStream, Duration), RequestError> {
    let deadline = Instant::now() + time_limit;
    let addresses = lookup_host((host_of(url), port_of(url))).await;
    let addresses: Vec<_> = addresses.map_err(|error| lookup_error(&error))?.collect();
    let mut last_error = None;
    for (tried, address) in addresses.iter().enumerate() {
        let started = Instant::now();
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(started) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Otherwise, the kernel may hold back the request.
                let _ = stream.set_nodelay(true);
                return Ok((stream, started.elapsed()));
            }
            Ok(Err(error)) => last_error = Some(error),
            Err(_) => last_error = Some(io::ErrorKind::TimedOut.into()),
        }
    }
    let reason = last_error.map_or_else(
        || "the host has no address".to_owned(),
        |error| error.to_string(),
    );
    Err(RequestError::unreachable(reason))
}

/// "Name or service not known", or "Temporary failure in name resolution" when no name server answers.
fn lookup_error(error: &io::Error) -> RequestError {
    RequestError::new(ErrorKind::HostNotFound, error.to_string())
}

/// Asks the proxy for a connection to the server.
async fn tunnel(
    tcp: TcpStream,
    url: &Uri,
    proxy: &Intercept,
) -> Result<BoxedTransport, RequestError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await?;
    tokio::spawn(connection.with_upgrades());
    let authority = format!("{}:{}", bracketed_host(url), port_of(url));
    let mut request = Request::connect(&authority).header(HOST, &authority);
    if let Some(authorization) = proxy.basic_auth() {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| RequestError::unreachable(error.to_string()))?;
    let response = sender.send_request(request).await?;
    if !response.status().is_success() {
        return Err(RequestError::unreachable(format!(
            "the proxy {} of the environment refuses the connection with {}",
            host_of(proxy.uri()),
            response.status().as_u16()
        )));
    }
    let upgraded = hyper::upgrade::on(response).await;
    let upgraded = upgraded.map_err(|error| RequestError::unreachable(with_causes(&error)))?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

fn bracketed_host(url: &Uri) -> &str {
    url.host().unwrap_or_default()
}

/// Without the brackets of an IPv6 address.
fn host_of(url: &Uri) -> &str {
    bracketed_host(url).trim_matches(['[', ']'])
}

/// Whether the host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let host = host.to_ascii_lowercase();
    // Browsers, too, look for names below `localhost` on this machine.
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_some_and(|address| address.is_loopback() || address.is_unspecified())
}

fn port_of(url: &Uri) -> u16 {
    let default_port = if url.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    url.port_u16().unwrap_or(default_port)
}

/// What a request through a proxy needs in addition.
pub(super) fn proxy_authorization(proxy: &Intercept) -> Option<HeaderValue> {
    proxy.basic_auth().cloned()
}
