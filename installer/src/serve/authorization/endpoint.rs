//! The HTTP client of the questions: one URL, HTTP/1.1, no redirects, no proxy.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::http::response::Parts;
use hyper::http::uri::Authority;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::super::settings::AuthSettings;
use super::connections::{Connection, IdleConnections};
use super::fault::Fault;
use crate::exit::Failure;
use crate::http::{open_transport, tls_for_http1, with_causes};

/// Of hyper's buffer. A head of this size is accepted, and one of twice this size is refused. Servers such as nginx in
/// front of PHP-FPM limit heads to a few KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// An answer needs no body. A connection with a longer one is closed instead of read.
const MAX_BODY_BYTES: u64 = 8 * 1024;

/// The rest of the answer is on its way when the head arrives.
const MAX_BODY_TIME: Duration = Duration::from_secs(1);

/// Limits the time for a connection if `SSE_AUTH_TIMEOUT` is longer: the next attempt of TCP would follow after three
/// seconds.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(3);

pub(super) struct Endpoint {
    url: Uri,
    host: HeaderValue,
    tls: Option<Arc<ClientConfig>>,
    connect_timeout: Duration,
    idle: IdleConnections,
}

/// The head of an answer, and the rest of its connection.
pub(super) struct Exchange {
    pub(super) head: Parts,
    body: Incoming,
    connection: Connection,
}

impl Endpoint {
    /// Fails if this machine has no certificates to check that of the URL.
    pub(super) fn new(settings: &AuthSettings) -> Result<Self, Failure> {
        let not_a_url = || Failure::error("SSE_AUTH_URL is not a URL");
        let url: Uri = settings.url.parse().map_err(|_| not_a_url())?;
        let authority = url.authority().map(Authority::as_str);
        let host = authority.and_then(|authority| HeaderValue::from_str(authority).ok());
        let tls = (url.scheme_str() == Some("https")).then(tls_for_http1);
        let tls = tls.transpose().map_err(|error| {
            let failure = Failure::error(format!("SSE_AUTH_URL cannot be used: {}", error.reason));
            failure.with_help(
                "install the system's certificates (Debian: the package ca-certificates), or let SSL_CERT_FILE name a \
                 file with certificates",
            )
        })?;
        Ok(Self {
            host: host.ok_or_else(not_a_url)?,
            url,
            tls: tls.map(Arc::new),
            connect_timeout: settings.timeout.min(MAX_CONNECT_TIME),
            idle: IdleConnections::default(),
        })
    }

    pub(super) fn url(&self) -> &Uri {
        &self.url
    }

    /// For the log: without the query, which may have a secret.
    pub(super) fn name(&self) -> String {
        let (scheme, host) = (self.url.scheme_str(), self.url.authority());
        let host = host.map_or("", |host| host.as_str());
        format!("{}://{host}{}", scheme.unwrap_or_default(), self.url.path())
    }

    /// Asks. A connection that the app has closed meanwhile is replaced once.
    pub(super) async fn ask(&self, headers: &HeaderMap) -> Result<Exchange, Fault> {
        if let Some(connection) = self.idle.take()
            && let Ok(exchange) = self.send(connection, headers).await
        {
            return Ok(exchange);
        }
        let connection = self.connect().await?;
        let sent = self.send(connection, headers).await;
        sent.map_err(|error| Fault::Broken(with_causes(&error)))
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        let opened = open_transport(&self.url, self.tls.clone(), self.connect_timeout).await;
        let transport = opened.map_err(|error| Fault::NotConnected(error.reason))?;
        let handshake = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(transport))
            .await;
        let (sender, connection) =
            handshake.map_err(|error| Fault::NotConnected(with_causes(&error)))?;
        // Ends with the connection. The response reports its errors.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn send(
        &self,
        mut connection: Connection,
        headers: &HeaderMap,
    ) -> Result<Exchange, hyper::Error> {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        if let Some(path) = self.url.path_and_query() {
            *request.uri_mut() = path.clone().into();
        }
        let response = connection.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok(Exchange {
            head,
            body,
            connection,
        })
    }

    /// Makes the connection usable for another question, or closes it.
    pub(super) async fn finish(&self, exchange: Exchange) {
        let Exchange {
            mut body,
            mut connection,
            ..
        } = exchange;
        let is_reusable = timeout(MAX_BODY_TIME, async {
            discard(&mut body).await && connection.ready().await.is_ok()
        });
        if is_reusable.await == Ok(true) {
            self.idle.put(connection);
        }
    }
}

/// Returns whether the body was read to its end.
async fn discard(body: &mut (impl Body<Data = Bytes> + Unpin)) -> bool {
    let mut bytes_left = MAX_BODY_BYTES;
    loop {
        if body.is_end_stream() {
            return true;
        }
        if body.size_hint().lower() > bytes_left {
            return false;
        }
        match body.frame().await {
            None => return true,
            Some(Err(_)) => return false,
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                bytes_left = bytes_left.saturating_sub(length.max(1));
            }
        }
        if bytes_left == 0 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::{Frame, SizeHint};

    use super::*;

    /// A body of chunks of one byte, which may say how long it is.
    struct Chunks {
        left: u64,
        length: Option<u64>,
    }

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(left) = self.left.checked_sub(1) else {
                return Poll::Ready(None);
            };
            self.left = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }

        fn size_hint(&self) -> SizeHint {
            self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
        }
    }

    /// Whether the body was read to its end, and how many bytes were read.
    async fn read(count: u64, length: Option<u64>) -> (bool, u64) {
        let mut body = Chunks {
            left: count,
            length,
        };
        (discard(&mut body).await, count - body.left)
    }

    #[actix_web::test]
    async fn only_a_short_body_is_read() {
        assert_eq!(read(0, None).await, (true, 0));
        assert_eq!(read(5, Some(5)).await, (true, 5));
        assert_eq!(read(5, None).await, (true, 5));
        assert_eq!(read(u64::MAX, None).await, (false, MAX_BODY_BYTES));
        assert_eq!(read(u64::MAX, Some(MAX_BODY_BYTES + 1)).await, (false, 0));
    }

    #[test]
    fn the_log_names_the_url_without_its_query() {
        let settings = AuthSettings {
            url: "http://localhost:9000/auth?key=secret".to_owned(),
            timeout: Duration::from_secs(5),
            concurrency: 1,
        };
        let endpoint = Endpoint::new(&settings).expect("it is a URL");
        assert_eq!(endpoint.name(), "http://localhost:9000/auth");
    }
}
