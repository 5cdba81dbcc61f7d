//! The HTTP client of `sse listen` and `sse doctor`.

use std::io::{self, Read};

use ureq::http::{Response, Version};
use ureq::{Agent, Body, BodyReader};

use crate::output::excerpt;

/// Of an error response, at most this much is read. The texts of the library's server have a few
/// hundred bytes, and of a web page, only the first lines are shown.
pub(crate) const MAX_ERROR_BYTES: usize = 64 * 1024;

/// One read from the connection, as much as a TLS record holds.
const READ_BUFFER_BYTES: usize = 16 * 1024;

pub(crate) struct HttpClient {
    agent: Agent,
}

/// Status and headers of a response.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) version: Version,
    pub(crate) status: u16,
    /// The names are in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

/// The body of a response, read chunk by chunk as it arrives.
pub(crate) struct ResponseBody {
    reader: BodyReader<'static>,
    buffer: Box<[u8]>,
}

impl HttpClient {
    /// `config` carries the timeouts and whether redirects are followed.
    pub(crate) fn new(config: ureq::config::Config) -> Self {
        Self {
            agent: config.into(),
        }
    }

    /// What both commands share: a status such as 404 is a response, not an error.
    pub(crate) fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
        Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("sse/", env!("CARGO_PKG_VERSION")))
    }

    /// Requests an event stream, with these headers in addition.
    pub(crate) fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<(ResponseHead, ResponseBody), ureq::Error> {
        let mut request = self.agent.get(url).header("Accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        let response = request.call()?;
        Ok((ResponseHead::new(&response), ResponseBody::new(response)))
    }
}

impl ResponseHead {
    fn new(response: &Response<Body>) -> Self {
        let headers = response.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        Self {
            version: response.version(),
            status: response.status().as_u16(),
            headers: headers.collect(),
        }
    }

    /// The values of all headers of this name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The content type without its parameters.
    pub(crate) fn mime_type(&self) -> String {
        let content_type = self.header("content-type").unwrap_or_default();
        let mime_type = content_type.split(';').next().unwrap_or_default();
        mime_type.trim().to_owned()
    }

    pub(crate) fn is_event_stream(&self) -> bool {
        self.mime_type().eq_ignore_ascii_case("text/event-stream")
    }

    /// How the body is compressed, if it is.
    pub(crate) fn compression(&self) -> Option<String> {
        self.header("content-encoding")
            .filter(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity"))
    }
}

impl ResponseBody {
    fn new(response: Response<Body>) -> Self {
        // A stream has no end: ureq's limit of 10 MB does not apply.
        let body = response.into_body().into_with_config().limit(u64::MAX);
        Self {
            reader: body.reader(),
            buffer: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
        }
    }

    /// Waits for the next bytes; `None` at the body's end.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<&[u8]>> {
        let length = self.reader.read(&mut self.buffer)?;
        Ok((length > 0).then(|| &self.buffer[..length]))
    }

    /// The whole body as text. `None` if it is longer than `max_bytes` or cannot be read.
    pub(crate) fn text(mut self, max_bytes: usize) -> Option<String> {
        let mut text = Vec::new();
        while let Some(chunk) = self.next_chunk().ok()? {
            text.extend_from_slice(chunk);
            if text.len() > max_bytes {
                return None;
            }
        }
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The error that a server wrote into its response, shortened to one line each. The library's server
/// writes it in this command's form.
#[derive(Default)]
pub(crate) struct ServerError {
    pub(crate) is_from_library: bool,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl ServerError {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.trim().lines();
        let first_line = lines.next().unwrap_or_default();
        let library_message = first_line.strip_prefix("error: ");
        Self {
            is_from_library: library_message.is_some(),
            message: excerpt(library_message.unwrap_or(first_line)),
            help: lines
                .find_map(|line| line.strip_prefix("help: "))
                .map(excerpt),
        }
    }
}

/// Precedes the reason in the messages of rustls.
const CERTIFICATE_ERROR: &str = "invalid peer certificate: ";

/// Why the server was not reached, without the debug texts of the TLS library.
pub(crate) fn describe(error: &ureq::Error) -> String {
    let text = error.to_string();
    match text.split_once(CERTIFICATE_ERROR) {
        None => text,
        Some((_, "UnknownIssuer")) => {
            "its certificate is not signed by a public authority".to_owned()
        }
        Some((_, reason)) if reason.contains("CaUsedAsEndEntity") => {
            "its certificate is signed by itself".to_owned()
        }
        Some((_, reason)) => format!("its certificate is not valid: {reason}"),
    }
}

/// Whether TLS failed because of the server's certificate.
pub(crate) fn is_certificate_error(error: &ureq::Error) -> bool {
    error.to_string().contains(CERTIFICATE_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> ResponseHead {
        let headers = headers.iter();
        ResponseHead {
            version: Version::HTTP_11,
            status: 200,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn identity_is_not_a_compression() {
        let compression = |value| head(&[("content-encoding", value)]).compression();
        assert_eq!(compression("identity"), None);
        assert_eq!(compression("br").as_deref(), Some("br"));
        assert_eq!(head(&[]).compression(), None);
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_described_without_debug_text() {
        let describe_reason = |reason: &str| {
            let text = format!("{CERTIFICATE_ERROR}{reason}");
            let error = ureq::Error::Io(io::Error::other(text));
            assert!(is_certificate_error(&error));
            describe(&error)
        };
        let self_signed = describe_reason("Other(OtherError(CaUsedAsEndEntity))");
        assert_eq!(self_signed, "its certificate is signed by itself");
        assert!(describe_reason("UnknownIssuer").contains("public authority"));
        assert_eq!(
            describe_reason("expired"),
            "its certificate is not valid: expired"
        );
        let other = ureq::Error::Io(io::Error::other("reset"));
        assert!(!is_certificate_error(&other) && describe(&other).contains("reset"));
    }

    #[test]
    fn headers_of_the_same_name_are_joined() {
        let head = head(&[("via", "a"), ("via", "b")]);
        assert_eq!(head.header("via").as_deref(), Some("a, b"));
    }
}
