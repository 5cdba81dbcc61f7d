//! The head of a response, and the error text of the library's server.

use hyper::{HeaderMap, Version};

use crate::output::excerpt;

/// Status and headers of a response.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
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

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

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
    fn headers_of_the_same_name_are_joined() {
        let head = head(&[("via", "a"), ("via", "b")]);
        assert_eq!(head.header("via").as_deref(), Some("a, b"));
    }
}
