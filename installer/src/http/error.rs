//! Why a server sent no response that can be read.

use std::error::Error;
use std::time::Duration;

use crate::output::excerpt;

const NO_HTTP_HELP: &str = "check the port: the program that responds there is not an HTTP server, or \
    it expects a URL that begins with https:";

const MANY_HEADERS_HELP: &str = "let the server, or the proxy that adds them, send fewer and shorter \
    headers, such as cookies";

/// What `sse doctor` tells apart. Everything else is [`ErrorKind::Unreachable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    HostNotFound,
    Unreachable,
    /// The server accepted the request, and sends no response.
    NoResponse,
    NotHttp,
}

/// The reason as a part of a sentence, and what to do if this error has a help of its own.
#[derive(Debug)]
pub(crate) struct RequestError {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: String,
    pub(crate) help: Option<&'static str>,
}

impl RequestError {
    pub(super) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            help: None,
        }
    }

    pub(super) fn unreachable(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, reason)
    }

    pub(super) fn with_help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }

    pub(super) fn no_response(timeout: Duration) -> Self {
        let seconds = timeout.as_secs();
        Self::new(
            ErrorKind::NoResponse,
            format!("it sends no response within {seconds} s"),
        )
    }
}

impl From<hyper::Error> for RequestError {
    fn from(error: hyper::Error) -> Self {
        let text = with_causes(&error);
        if !error.is_parse() {
            return Self::unreachable(text);
        }
        // "message head is too large": hyper has no method that tells.
        let help = match text.contains("too large") {
            true => MANY_HEADERS_HELP,
            false => NO_HTTP_HELP,
        };
        Self::new(ErrorKind::NotHttp, text).with_help(help)
    }
}

/// The error and what caused it, without repetition. hyper's own messages leave the cause out. A server may have
/// written parts of it.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(&format!(": {next}"));
        }
        cause = error.source();
    }
    excerpt(&text)
}
