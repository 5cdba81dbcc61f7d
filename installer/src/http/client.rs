//! Requests of streams, and redirects.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{Request, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::connection::{Route, is_loopback, proxy_authorization};
use super::error::RequestError;
use super::request_headers;
use super::response::{BackgroundRuntime, Response};
use super::tls::{self, Trust};
use crate::cli::HttpArgs;
use crate::exit::Failure;
use crate::output::{Output, excerpt};

/// As many as browsers and curl follow, or fewer. More are a loop.
const MAX_REDIRECTS: usize = 10;

/// The time limits of one request.
#[derive(Clone, Copy)]
pub(crate) struct Timeouts {
    /// For finding the host, TCP, and TLS together.
    pub(crate) connect: Duration,
    /// From the request to the headers of the response.
    pub(crate) response: Duration,
}

/// Requests one stream, with the credentials of the command line.
pub(crate) struct Client {
    /// Without user name and password.
    url: String,
    /// Of `--header`, `--cookie` and the URL's user name, for the origin of `url` alone.
    credentials: HeaderMap,
    trust: Trust,
    proxies: Matcher,
    /// Read when the first URL with https is requested.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Client {
    /// `url` is a stream's, and may contain a user name and a password.
    pub(crate) fn new(url: &str, args: &HttpArgs) -> Result<Self, Failure> {
        let mut credentials = request_headers::parse(&args.headers, &args.cookies)?;
        let (url, user_info) = without_user_info(url);
        if let Some(user_info) = user_info {
            request_headers::with_basic_authorization(&mut credentials, user_info);
        }
        let given = args.cacert.as_deref().map(tls::read_certificates);
        Ok(Self {
            url,
            credentials,
            trust: Trust {
                given: given.transpose()?.unwrap_or_default(),
                accepts_any: args.insecure,
            },
            proxies: Matcher::from_env(),
            tls: OnceCell::new(),
        })
    }

    /// Without user name and password, so that messages can contain it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether requests carry `--header`, `--cookie`, or a user name.
    pub(crate) fn has_credentials(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// Every run says so, once.
    pub(crate) fn warn_if_insecure(&self, output: Output) {
        if self.trust.accepts_any {
            output.warn("--insecure: the server's certificate is not checked");
        }
    }

    /// Requests an event stream, with these headers in addition. A redirect is a response like any other.
    pub(crate) fn get(
        &self,
        url: &str,
        headers: &[(HeaderName, &str)],
        timeouts: Timeouts,
    ) -> Result<Response, RequestError> {
        let url = url.parse().map_err(|_| not_a_url(url))?;
        let runtime = new_runtime()?;
        let requested_at = Instant::now();
        let requested = runtime.block_on(self.request(&url, headers, timeouts));
        // Also after an error, a thread of the runtime may still look up the host.
        let runtime = BackgroundRuntime::new(runtime);
        let (response, round_trip) = requested?;
        Ok(Response::new(
            response,
            url.to_string(),
            requested_at.elapsed(),
            round_trip,
            runtime,
        ))
    }

    /// As [`Client::get`], but follows redirects.
    pub(crate) fn get_following_redirects(
        &self,
        headers: &[(HeaderName, &str)],
        timeouts: Timeouts,
    ) -> Result<Response, RequestError> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url, headers, timeouts)?;
            match redirect_target(&response, &url) {
                None => return Ok(response),
                Some(target) => url = target,
            }
        }
        Err(RequestError::unreachable(format!(
            "it redirects more than {MAX_REDIRECTS} times, at last to {}",
            excerpt(&url)
        )))
    }

    async fn request(
        &self,
        url: &Uri,
        headers: &[(HeaderName, &str)],
        timeouts: Timeouts,
    ) -> Result<(hyper::Response<Incoming>, Duration), RequestError> {
        let is_encrypted = url.scheme_str() == Some("https");
        // As in browsers: a proxy could not reach this machine's servers, and would read what is sent.
        let proxy = (!is_loopback(url.host().unwrap_or_default()))
            .then(|| self.proxies.intercept(url))
            .flatten();
        if let Some(proxy) = &proxy
            && proxy.uri().scheme_str() != Some("http")
        {
            return Err(unknown_proxy(proxy.uri()));
        }
        let route = Route {
            url,
            proxy: proxy.as_ref(),
            tls: is_encrypted.then(|| self.tls_config()).transpose()?,
        };
        let (mut connection, round_trip) = route.connect(timeouts.connect).await?;
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.headers_mut() = self.headers_for(url, headers);
        let forwarding_proxy = proxy.as_ref().filter(|_| !is_encrypted);
        if let Some(value) = forwarding_proxy.and_then(proxy_authorization) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        if connection.is_http2() || forwarding_proxy.is_some() {
            *request.uri_mut() = url.clone();
        } else if let Some(path) = url.path_and_query() {
            *request.uri_mut() = path.clone().into();
        }
        if !connection.is_http2() {
            request.headers_mut().insert(HOST, host_header(url)?);
        }
        let response = timeout(timeouts.response, connection.send(request)).await;
        let response = response.map_err(|_| RequestError::no_response(timeouts.response))??;
        Ok((response, round_trip))
    }

    /// The command's own headers replace those of the command line, and these replace the defaults.
    fn headers_for(&self, url: &Uri, own: &[(HeaderName, &str)]) -> HeaderMap {
        const AGENT: &str = concat!("sse/", env!("CARGO_PKG_VERSION"));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if origin(&url.to_string()) == origin(&self.url) {
            // `extend` replaces a header of the same name, and keeps all values of one name.
            headers.extend(self.credentials.clone());
        }
        for (name, value) in own {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(name.clone(), value);
            }
        }
        headers
    }

    fn tls_config(&self) -> Result<Arc<ClientConfig>, RequestError> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(tls::client_config(&self.trust)?);
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

fn new_runtime() -> Result<Runtime, RequestError> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    runtime.map_err(|error| RequestError::unreachable(error.to_string()))
}

fn not_a_url(url: &str) -> RequestError {
    RequestError::unreachable(format!("`{}` is not a URL", excerpt(url)))
}

fn unknown_proxy(proxy: &Uri) -> RequestError {
    let scheme = proxy.scheme_str().unwrap_or_default();
    RequestError::unreachable(format!(
        "the environment names a proxy with `{scheme}:`, which this command cannot use"
    ))
    .with_help("name a proxy that begins with http: or add the host to NO_PROXY")
}

fn host_header(url: &Uri) -> Result<HeaderValue, RequestError> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    HeaderValue::from_str(authority).map_err(|_| not_a_url(authority))
}

/// The URL without its user name and password, and these.
fn without_user_info(url: &str) -> (String, Option<&str>) {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    match rest[..authority_end].rsplit_once('@') {
        None => (url.to_owned(), None),
        Some((user_info, host)) => (
            format!("{scheme}://{host}{}", &rest[authority_end..]),
            Some(user_info),
        ),
    }
}

/// Scheme, host and port. The same origin may be written in several ways, such as with its default port:
/// then it counts as another one, which only withholds credentials.
fn origin(url: &str) -> String {
    let path = url
        .match_indices('/')
        .nth(2)
        .map_or(url.len(), |(start, _)| start);
    let end = url.find('?').unwrap_or(url.len()).min(path);
    url[..end].to_ascii_lowercase()
}

/// Where a response redirects to, resolved against the URL that was requested.
fn redirect_target(response: &Response, url: &str) -> Option<String> {
    if !matches!(response.head.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.head.header(LOCATION.as_str())?;
    let location = location.split_once('#').map_or(&*location, |(url, _)| url);
    Some(without_user_info(&resolve(url, location)).0)
}

fn is_scheme(text: &str) -> bool {
    ["http", "https"]
        .map(|scheme| text.eq_ignore_ascii_case(scheme))
        .contains(&true)
}

/// Segments such as `..` are left to the server.
fn resolve(base: &str, reference: &str) -> String {
    let origin = origin(base);
    let without_query = base.split_once('?').map_or(base, |(path, _)| path);
    let scheme = reference.split_once("://").map(|(scheme, _)| scheme);
    if scheme.is_some_and(is_scheme) {
        reference.to_owned()
    } else if reference.starts_with("//") {
        let (scheme, _) = base.split_once(':').unwrap_or_default();
        format!("{scheme}:{reference}")
    } else if reference.starts_with('/') {
        format!("{origin}{reference}")
    } else if reference.is_empty() || reference.starts_with('?') {
        format!("{without_query}{reference}")
    } else {
        let folder = without_query.rfind('/').map_or(0, |end| end + 1);
        let folder = without_query[..folder].to_owned();
        format!("{folder}{reference}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_removed_from_the_url() {
        for (url, expected, user_info) in [
            ("http://a:1/p?x=@", "http://a:1/p?x=@", None),
            ("https://u:p@a/p", "https://a/p", Some("u:p")),
            ("http://u@[::1]:1/", "http://[::1]:1/", Some("u")),
        ] {
            assert_eq!(without_user_info(url), (expected.to_owned(), user_info));
        }
    }

    #[test]
    fn a_redirect_is_resolved_against_the_url() {
        for (reference, expected) in [
            ("https://b.example/x", "https://b.example/x"),
            ("HTTP://b.example/x", "HTTP://b.example/x"),
            ("/x?http://b", "http://a:1/x?http://b"),
            ("//b.example/x", "http://b.example/x"),
            ("/x?y", "http://a:1/x?y"),
            ("x", "http://a:1/p/x"),
            ("?y", "http://a:1/p/q?y"),
        ] {
            assert_eq!(resolve("http://a:1/p/q?z=/", reference), expected);
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("HTTP://A:1/p"), "http://a:1");
        assert_eq!(origin("http://a?x=/y"), "http://a");
    }
}
