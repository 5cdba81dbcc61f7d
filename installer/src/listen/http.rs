//! The HTTP client of `sse listen` and `sse doctor`.

use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Version};
use ureq::typestate::AgentScope;
use ureq::{Agent, BodyReader};

use crate::output::excerpt;

/// Status and headers of a response.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

/// What both commands share: a status such as 404 is a response, not an error. They add the timeouts,
/// and whether redirects are followed.
pub(crate) fn client_config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("sse/", env!("CARGO_PKG_VERSION")))
}

/// Requests an event stream, with these headers in addition. The body is read as it arrives.
pub(crate) fn get(
    agent: &Agent,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<(ResponseHead, BodyReader<'static>), ureq::Error> {
    let mut request = agent.get(url).header("Accept", "text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    let (head, body) = request.call()?.into_parts();
    let head = ResponseHead {
        version: head.version,
        status: head.status.as_u16(),
        headers: head.headers,
    };
    // A stream has no end: ureq's limit of 10 MB does not apply.
    Ok((head, body.into_with_config().limit(u64::MAX).reader()))
}

impl ResponseHead {
    /// The values of all headers of this name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let values: Vec<_> = values.collect();
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

const CERTIFICATE_HELP: &str = "browsers refuse it as well, unless their users accept it: use a \
    certificate of a public authority for this host name, or the app's own URL without TLS";

/// Why the server was not reached, without the debug texts of the TLS library. If its certificate is the
/// reason, also what to do.
pub(crate) fn describe(error: &ureq::Error) -> (String, Option<&'static str>) {
    let text = error.to_string();
    let reason = match text.split_once(CERTIFICATE_ERROR) {
        None => return (text, None),
        Some((_, "UnknownIssuer")) => {
            "its certificate is not signed by a public authority".to_owned()
        }
        Some((_, reason)) if reason.contains("CaUsedAsEndEntity") => {
            "its certificate is signed by itself".to_owned()
        }
        Some((_, reason)) => format!("its certificate is not valid: {reason}"),
    };
    (reason, Some(CERTIFICATE_HELP))
}

#[cfg(test)]
mod tests {
    use std::io;

    use ureq::http::HeaderValue;

    use super::*;

    fn head(headers: &[(&'static str, &'static str)]) -> ResponseHead {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        ResponseHead {
            version: Version::HTTP_11,
            status: 200,
            headers: map,
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
        let reason = |reason: &str| {
            let text = format!("{CERTIFICATE_ERROR}{reason}");
            let (reason, help) = describe(&ureq::Error::Io(io::Error::other(text)));
            assert_eq!(help, Some(CERTIFICATE_HELP));
            reason
        };
        let self_signed = reason("Other(OtherError(CaUsedAsEndEntity))");
        assert_eq!(self_signed, "its certificate is signed by itself");
        assert!(reason("UnknownIssuer").contains("public authority"));
        let expired = reason("expired");
        assert_eq!(expired, "its certificate is not valid: expired");
        let (other, help) = describe(&ureq::Error::Io(io::Error::other("reset")));
        assert!(other.contains("reset") && help.is_none());
    }

    #[test]
    fn headers_of_the_same_name_are_joined() {
        let head = head(&[("via", "a"), ("via", "b")]);
        assert_eq!(head.header("via").as_deref(), Some("a, b"));
    }
}
